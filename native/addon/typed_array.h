// Typed arrays that come from JavaScript.
#pragma once

#include <napi.h>

#include <string>

namespace tsumugi {

// "undefined", "string", … or "another typed array", for messages.
inline std::string describe_kind(const Napi::Value& value) {
  if (value.IsTypedArray()) return "another typed array";
  napi_valuetype type = napi_undefined;
  napi_typeof(value.Env(), value, &type);
  constexpr const char* kNames[] = {"undefined", "null",      "a boolean",  "a number",    "a string",
                                    "a symbol",  "an object", "a function", "an external", "a bigint"};
  return kNames[type];
}

// A typed array that will be written to; what is not one of its kind is refused before it is touched.
template <typename Array>
Array typed_array(const Napi::Value& value, napi_typedarray_type type, const char* call, const char* what,
                  const char* expected) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw Napi::TypeError::New(
        value.Env(), std::string("[") + call + "] " + what + ": expected " + expected + ", given " + describe_kind(value));
  }
  return value.As<Array>();
}

}  // namespace tsumugi
