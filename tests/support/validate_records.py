#!/usr/bin/env python3
"""Checks records (hh-records(5)) against man/schema.

  validate_records.py [FILE...]     every line of the files, or of standard input, must be a record
  validate_records.py --tap FOLDER  what programs printed in tests (support/record_tap): every line that starts with {" must be a record

Beyond the schemas: type and v come first, no key comes twice, no number has a fraction or an exponent, integers stay below 2^53, a share line has
exactly the canonical form, a manifest is canonical JSON, a signed manifest's id is the hash of its payload and its payload is a manifest, and
a preimage hashes to its payment hash. Prints file, line number, reason and line of each bad one, and exits 1.
With HH_RECORDS_COMPLETE set, --tap also demands that each type of record was printed by some program.
"""
import base64
import collections
import hashlib
import json
import os
import pathlib
import sys

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "man" / "schema"
INTEGERS_BELOW = 2**53
BAD_LINES_SHOWN = 50


class Bad(Exception):
    pass


def refuse_duplicates(pairs):
    result = {}
    for key, value in pairs:
        if key in result:
            raise Bad(f"key {key!r} comes twice")
        result[key] = value
    return result


def refuse_fraction(text):
    raise Bad(f"number {text} has a fraction or an exponent")


def checked_integer(text):
    value = int(text)
    if abs(value) >= INTEGERS_BELOW:
        raise Bad(f"integer {text} is not below 2^53")
    return value


def parse(line):
    try:
        record = json.loads(line, object_pairs_hook=refuse_duplicates, parse_float=refuse_fraction, parse_constant=refuse_fraction,
                            parse_int=checked_integer)
    except json.JSONDecodeError as error:
        raise Bad(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise Bad("not an object")
    return record


def load_validators(folder=SCHEMAS):
    validators = {}
    for path in sorted(folder.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[path.stem] = jsonschema.Draft202012Validator(schema)
    return validators


def compact(record, sort_keys=False):
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False, sort_keys=sort_keys)


def check_form(line, record, schema):
    if schema.get("x-sorted-keys"):
        if compact(record, sort_keys=True) != line:
            raise Bad("not canonical JSON")
        return
    if list(record)[:2] != ["type", "v"]:
        raise Bad("type and v are not the first fields")
    if schema.get("x-canonical-order"):
        order = [key for key in schema["properties"] if key in record]
        if list(record) != order or compact(record) != line:
            raise Bad("not in canonical form (order of fields, spaces, escapes)")


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_meaning(record, validators):
    kind = record["type"]
    if kind == "signed_manifest":
        payload = unbase64url(record["jws"].split(".")[1])
        if hashlib.sha256(payload).hexdigest() != record["manifest_id"]:
            raise Bad("manifest_id is not the SHA-256 of the payload")
        if check_line(payload.decode("utf-8"), validators) != "manifest":
            raise Bad("the payload is not a manifest")
    if "preimage" in record and hashlib.sha256(bytes.fromhex(record["preimage"])).hexdigest() != record.get("payment_hash"):
        raise Bad("preimage does not hash to payment_hash")
    if kind == "share" and int(record["work"]) >= 2**63:
        raise Bad("work is not below 2^63")


def check_line(line, validators):
    """The record's type; raises Bad."""
    record = parse(line)
    kind = record.get("type")
    if kind not in validators:
        raise Bad(f"no schema for type {kind!r}")
    error = jsonschema.exceptions.best_match(validators[kind].iter_errors(record))
    if error is not None:
        raise Bad(f"{kind}: {error.json_path}: {error.message}")
    check_form(line, record, validators[kind].schema)
    check_meaning(record, validators)
    return kind


class Report:
    def __init__(self, validators):
        self.validators = validators
        self.seen = collections.Counter()
        self.bad = 0

    def take(self, where, line):
        try:
            self.seen[check_line(line, self.validators)] += 1
        except Bad as reason:
            self.bad += 1
            if self.bad <= BAD_LINES_SHOWN:
                print(f"{where}: {reason}\n  {line[:2000]}")


def check_stream(stream, name, report, only_objects):
    for number, raw in enumerate(stream, 1):
        torn = not raw.endswith(b"\n")  # its writer was stopped in the middle of it: not yet a record
        line = raw.rstrip(b"\n").decode("utf-8", "surrogateescape")
        if not line or (only_objects and (torn or not line.startswith('{"'))):
            continue
        report.take(f"{name}:{number}", line)


def check_tap(folder, report):
    inodes = set()
    for path in sorted(pathlib.Path(folder).glob("*")):
        status = path.stat()
        if (status.st_dev, status.st_ino) in inodes:  # several programs wrote to one file
            continue
        inodes.add((status.st_dev, status.st_ino))
        with path.open("rb") as stream:
            check_stream(stream, path.name, report, only_objects=True)


def main(arguments):
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    validators = load_validators()
    report = Report(validators)
    never = []
    if arguments[:1] == ["--tap"] and len(arguments) == 2:
        check_tap(arguments[1], report)
        if os.environ.get("HH_RECORDS_COMPLETE"):
            never = [t for t, v in validators.items() if not report.seen[t] and not v.schema.get("x-input-only")]
    elif arguments:
        for name in arguments:
            with open(name, "rb") as stream:
                check_stream(stream, name, report, only_objects=False)
    else:
        check_stream(sys.stdin.buffer, "standard input", report, only_objects=False)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(report.seen.items()))
    print(f"{sum(report.seen.values())} records are good ({counts or 'none'}), {report.bad} lines are bad")
    if never:
        print(f"no program printed a record of type: {', '.join(never)}")
    return 1 if report.bad or never else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
