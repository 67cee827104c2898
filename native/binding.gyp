{
  "targets": [
    {
      "target_name": "tsumugi",
      "sources": ["<!@(node -p \"['addon','kernels'].flatMap((d)=>require('fs').readdirSync(d).filter((f)=>f.endsWith('.cc')).sort().map((f)=>d+'/'+f)).join(' ')\")"],
      "include_dirs": ["include", "kernels"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL"],
      "variables": {
        "napi": "<!(node -p \"require('path').relative('build', require('node-addon-api').include_dir).split(require('path').sep).join('/')\")",
        "flags": ["-std=c++20", "-O3", "-fno-math-errno", "-ffp-contract=off", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-Wall", "-Wextra", "-Werror"]
      },
      "cflags!": ["-fno-omit-frame-pointer", "-O3", "-O2"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20", "-std=c++17"],
      "cflags_cc": ["<@(flags)", "-isystem", "<(napi)"],
      "ldflags": ["-pthread", "-Wl,--gc-sections"],
      "xcode_settings": {
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_ENABLE_CPP_RTTI": "YES",
        "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
        "CLANG_CXX_LIBRARY": "libc++",
        "MACOSX_DEPLOYMENT_TARGET": "12.0",
        "GCC_OPTIMIZATION_LEVEL": "3",
        "OTHER_CPLUSPLUSFLAGS": ["-fno-math-errno", "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wextra", "-isystem", "<(napi)"]
      },
      "msvs_settings": {
        "VCCLCompilerTool": {
          "ExceptionHandling": 1,
          "RuntimeTypeInfo": "true",
          "AdditionalOptions": ["/std:c++20", "/O2", "/fp:precise", "/utf-8"],
          "AdditionalIncludeDirectories": ["<(napi)"]
        }
      },
      "conditions": [["OS=='win'", { "defines": ["NOMINMAX", "WIN32_LEAN_AND_MEAN"] }]]
    }
  ]
}
