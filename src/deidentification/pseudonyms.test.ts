import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { moveBack, pseudonymsFrom } from "./pseudonyms.ts";

const key = Buffer.from("0123456789abcdef0123456789abcdef");
const names = pseudonymsFrom(key);

test("a UID becomes the same other UID under one key, and another one under another", () => {
  const other = pseudonymsFrom(Buffer.alloc(32, 1));
  assert.equal(names.uid("1.2.3"), pseudonymsFrom(key).uid("1.2.3"));
  assert.notEqual(names.uid("1.2.3"), names.uid("1.2.4"));
  assert.notEqual(names.uid("1.2.3"), other.uid("1.2.3"));
});

test("a new UID is the decimal form of a UUID under 2.25, within the 64 characters of the standard", () => {
  fc.assert(
    fc.property(fc.string(), (uid) => {
      const made = names.uid(uid);
      assert.match(made, /^2\.25\.(0|[1-9]\d{0,38})$/);
      assert.ok(BigInt(made.slice(5)) < 2n ** 128n && made.length <= 64);
    }),
    { seed: 1 },
  );
  const witness = createHmac("sha256", key).update("uid\0ID_1").digest("hex").slice(0, 32);
  assert.equal(names.uid("ID_1"), `2.25.${BigInt(`0x${witness}`)}`);
});

test("the UIDs of the standard stay", () => {
  assert.equal(names.uid("1.2.840.10008.5.1.4.1.1.2"), "1.2.840.10008.5.1.4.1.1.2");
});

test("a date moves by whole days over months, years and leap days; times behind it stay", () => {
  assert.equal(moveBack("20240301", 1), "20240229");
  assert.equal(moveBack("20230301", 1), "20230228");
  assert.equal(moveBack("20200101", 365), "20190101");
  assert.equal(moveBack("2019.12.31", 30), "20191201");
  assert.equal(moveBack("20240301235959.123456+0100", 1), "20240229235959.123456+0100");
});

test("what holds no whole date becomes empty", () => {
  for (const value of ["", "2024", "202403", "20240231", "yesterday", "DOE^JOHN"])
    assert.equal(moveBack(value, 10), "");
});

test("distances between the dates of a patient stay as they were", () => {
  const day = fc.date({ min: new Date("1990-01-01"), max: new Date("2030-01-01"), noInvalidDate: true });
  const text = (date: Date) => date.toISOString().slice(0, 10).replaceAll("-", "");
  const days = (da: string) => Date.UTC(+da.slice(0, 4), +da.slice(4, 6) - 1, +da.slice(6, 8)) / 86_400_000;
  fc.assert(
    fc.property(day, day, fc.string(), (one, other, patient) => {
      const back = names.daysBack(patient);
      assert.ok(back >= 1 && back <= 3652);
      const moved = days(moveBack(text(one), back)) - days(moveBack(text(other), back));
      assert.equal(moved, days(text(one)) - days(text(other)));
    }),
    { seed: 2 },
  );
});
