import { describe, expect, it } from "vitest";
import { fakeModel } from "../../test/helpers/fake-session.ts";
import { greedyDecoder } from "../../test/helpers/greedy-decoder.ts";
import type { Request } from "./request.ts";
import { parseRequest } from "./valid-request.ts";

const parse = (more: Partial<Request>) =>
  parseRequest({ sequences: [{ tokens: [1, 2] }], decoder: greedyDecoder(4), ...more }, fakeModel());

describe("parseRequest", () => {
  it("fills in the defaults", () => {
    expect(parse({ deadline: 5, adapter: -1 })).toMatchObject({
      sequences: [{ tokens: [1, 2], padding: 0, rotaryLead: 0, encoderTokens: [] }],
      gangSize: 1,
      priority: 0,
      salt: "",
      parks: false,
      forgetDropped: false,
      deadline: 5,
    });
  });

  it("refuses what contradicts itself, and what cannot be done yet", () => {
    const refused = (more: Partial<Request>, code: string, message: string) =>
      expect(() => parse(more)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    refused({ adapter: 0 }, "unsupported_option", "adapters cannot be loaded yet");
    refused({ outputsFrom: 0 }, "invalid_input", "the decoder has no `promptGroups`");
    refused({ outputsFrom: -1 }, "invalid_input", "`outputsFrom` must be an integer of at least 0");
    refused({ priority: Number.NaN }, "invalid_input", "`priority` must be a finite number");
    refused({ gangSize: 0 }, "invalid_input", "`gangSize` must be an integer of at least 1");
    refused({ sequences: [{ tokens: [61] }] }, "invalid_input", "an integer from 0 to 60");
    refused({ sequences: [{ tokens: [1], encoderTokens: [1] }] }, "invalid_input", "absent: the model has no encoder");
  });
});
