"""Google's Python protobuf as an oracle: `oracle.py TESTEE DESCRIPTORS SEED COUNT`; `make oracles` runs it.

Random messages of the conformance suite's types, extensions included, go from Python through our testee and back, as
binary, JSON and text. What comes back must be the message that went, and what Python writes anew must be to us what it
was before. The first difference ends the program, with its seed.
"""

import json
import math
import random
import string
import struct
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, text_format
from google.protobuf.descriptor import FieldDescriptor as Field

TYPES = [
    "protobuf_test_messages.proto2.TestAllTypesProto2",
    "protobuf_test_messages.proto3.TestAllTypesProto3",
    "protobuf_test_messages.editions.TestAllTypesEdition2023",
    "protobuf_test_messages.editions.proto2.TestAllTypesProto2",
    "protobuf_test_messages.editions.proto3.TestAllTypesProto3",
]
BINARY, JSON, TEXT = 1, 2, 4  # conformance.WireFormat
PAYLOADS = {BINARY: "protobuf_payload", JSON: "json_payload", TEXT: "text_payload"}
DEPTH_MAX = 3

LIMITS = {
    Field.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    Field.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    Field.CPPTYPE_UINT32: (0, 2**32 - 1),
    Field.CPPTYPE_UINT64: (0, 2**64 - 1),
}
LETTERS = string.printable + "\0\x1f\x7f\u00e9\u20ac\U0001f600\u2028\ufeff\ufffd\"'\\/<>&"


class Random(random.Random):
    """Makes messages."""

    def __init__(self, seed, pool):
        super().__init__(seed)
        self.pool = pool

    def integer(self, low, high):
        at_edges = [low, high, 0, 1, low + 1, high - 1, 127, 128, 16384, max(low, -1)]
        kind = self.random()
        if kind < 0.4:
            return self.choice(at_edges)
        return self.randint(low, high) if kind < 0.7 else self.randint(max(low, -300), 300)

    def floating(self, is_single):
        numbers = [0.0, -0.0, 1.5, 1e-7, 1e20, 1e21, 123456789.0, math.inf, -math.inf, math.nan, 5e-324, 3.4e38]
        number = self.choice(numbers)
        if self.random() < 0.5:
            width, code = (32, "f") if is_single else (64, "d")
            [number] = struct.unpack(code, self.getrandbits(width).to_bytes(width // 8, "little"))
        if is_single and math.isfinite(number):
            try:
                [number] = struct.unpack("f", struct.pack("f", number))
            except OverflowError:
                number = 1.0
        # One NaN: formats of text have no other.
        return math.nan if math.isnan(number) else number

    def text(self):
        return "".join(self.choices(LETTERS, k=self.choice([0, 1, 2, 5, 20, 130])))

    def scalar(self, field):
        kind = field.cpp_type
        if kind in LIMITS:
            return self.integer(*LIMITS[kind])
        if kind in (Field.CPPTYPE_FLOAT, Field.CPPTYPE_DOUBLE):
            return self.floating(kind == Field.CPPTYPE_FLOAT)
        if kind == Field.CPPTYPE_BOOL:
            return self.random() < 0.5
        if kind == Field.CPPTYPE_ENUM:
            is_open = not field.enum_type.is_closed and field.enum_type.name != "NullValue"
            if is_open and self.random() < 0.2:
                return self.integer(*LIMITS[Field.CPPTYPE_INT32])
            return self.choice(field.enum_type.values).number
        return self.randbytes(self.choice([0, 1, 2, 3, 20])) if field.type == Field.TYPE_BYTES else self.text()

    def fill(self, message, depth=0):
        """Sets some fields; the outermost message has a quarter of its fields set."""
        well_known = getattr(self, "fill_" + message.DESCRIPTOR.full_name.replace("google.protobuf.", "").lower(), None)
        if message.DESCRIPTOR.file.package == "google.protobuf" and well_known:
            return well_known(message, depth)
        extensions = self.pool.FindAllExtensions(message.DESCRIPTOR) if message.DESCRIPTOR.is_extendable else []
        for field in [*message.DESCRIPTOR.fields, *extensions]:
            likely = 0.25 if depth == 0 or len(message.DESCRIPTOR.fields) < 10 else 0.03
            if self.random() < likely:
                self.set(message, field, depth)

    def set(self, message, field, depth):
        is_message = field.cpp_type == Field.CPPTYPE_MESSAGE
        if is_message and depth >= DEPTH_MAX:
            return
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            for _ in range(self.randint(1, 3)):
                target = getattr(message, field.name)
                if value.message_type:
                    self.fill(target[self.scalar(key)], depth + 1)
                else:
                    target[self.scalar(key)] = self.scalar(value)
            return
        if field.is_repeated:
            target = message.Extensions[field] if field.is_extension else getattr(message, field.name)
            for _ in range(self.randint(1, 4)):
                if is_message:
                    self.fill(target.add(), depth + 1)
                else:
                    target.append(self.scalar(field))
        elif is_message:
            inner = message.Extensions[field] if field.is_extension else getattr(message, field.name)
            inner.SetInParent()
            self.fill(inner, depth + 1)
        elif field.is_extension:
            message.Extensions[field] = self.scalar(field)
        else:
            setattr(message, field.name, self.scalar(field))

    # Messages that JSON takes only with certain values.

    def fill_timestamp(self, message, _):
        message.seconds = self.choice([0, -62135596800, 253402300799, self.randint(-(10**10), 10**10)])
        message.nanos = self.choice([0, 1, 10**6, 10**3, 999999999, self.randrange(10**9)])

    def fill_duration(self, message, _):
        sign = self.choice([-1, 1])
        message.seconds = sign * self.choice([0, 1, 315576000000, self.randint(0, 10**9)])
        message.nanos = sign * self.choice([0, 1, 10**6, 10**3, 999999999, self.randrange(10**9)])

    def fill_fieldmask(self, message, _):
        for _ in range(self.randint(0, 3)):
            message.paths.append(".".join(self.choices(["foo", "foo_bar", "a", "b_c_d"], k=self.randint(1, 3))))

    def fill_value(self, message, depth):
        kind = self.choice(["null_value", "number_value", "string_value", "bool_value", "struct_value", "list_value"])
        if kind == "null_value" or depth >= DEPTH_MAX + 2 and kind in ("struct_value", "list_value"):
            message.null_value = 0
        elif kind == "number_value":
            number = self.floating(False)
            message.number_value = number if math.isfinite(number) else 1.0
        elif kind in ("struct_value", "list_value"):
            inner = getattr(message, kind)
            inner.SetInParent()
            self.fill(inner, depth + 1)
        else:
            setattr(message, kind, self.text() if kind == "string_value" else self.random() < 0.5)

    def fill_struct(self, message, depth):
        for _ in range(self.randint(0, 3)):
            self.fill(message.fields[self.text()], depth + 1)

    def fill_listvalue(self, message, depth):
        for _ in range(self.randint(0, 3)):
            self.fill(message.values.add(), depth + 1)

    def fill_any(self, message, depth):
        names = ["google.protobuf.Duration", "google.protobuf.Value", "google.protobuf.Int32Value", TYPES[1], TYPES[0]]
        inner = new_message(self.pool, self.choice(names))
        self.fill(inner, max(depth, 1) + 1)
        message.Pack(inner, deterministic=True)


def new_message(pool, name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()


class Testee:
    """Our side: it reads a message in one format and writes it in another."""

    def __init__(self, program, pool):
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pool = pool

    def convert(self, name, payload, source, target):
        request = new_message(self.pool, "conformance.ConformanceRequest")
        request.message_type = name
        request.requested_output_format = target
        setattr(request, PAYLOADS[source], payload)
        data = request.SerializeToString()
        self.child.stdin.write(struct.pack("<I", len(data)) + data)
        self.child.stdin.flush()
        [length] = struct.unpack("<I", self.child.stdout.read(4))
        response = new_message(self.pool, "conformance.ConformanceResponse")
        response.ParseFromString(self.child.stdout.read(length))
        assert response.WhichOneof("result") == PAYLOADS[target], f"{response} for {payload!r}"
        return getattr(response, PAYLOADS[target])


def unknown_fields(source):
    """Fields that no test type has, of every wire type."""
    fields = [
        b"\xf0\x3e\x96\x01",
        b"\xf1\x3e" + source.randbytes(8),
        b"\xf2\x3e\x03abc",
        b"\xf3\x3e\x08\x01\x13\x14\xf4\x3e",
        b"\xf5\x3e" + source.randbytes(4),
    ]
    return b"".join(source.choices(fields, k=source.randint(0, 3)))


def read(pool, name, data):
    message = new_message(pool, name)
    message.ParseFromString(data)
    return message


def read_json(pool, name, text):
    # Python takes -0 for an integer, which has no sign at zero.
    values = json.loads(text, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))
    return json_format.ParseDict(values, new_message(pool, name), descriptor_pool=pool)


def same(pool, sent, got, what):
    """Compares by bytes: NaN is not equal to itself."""
    sent, got = (canonical(pool, message).SerializeToString(deterministic=True) for message in (sent, got))
    assert sent == got, f"{what}: sent {sent.hex()}, got {got.hex()}"


def canonical(pool, message):
    """The message with what its Anys hold in one order: who writes it may choose another."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any" and message.type_url:
        inner = read(pool, message.TypeName(), message.value)
        message.value = canonical(pool, inner).SerializeToString(deterministic=True)
        return message
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type:
                for key in value:
                    canonical(pool, value[key])
        elif field.message_type:
            for inner in value if field.is_repeated else [value]:
                canonical(pool, inner)
    return message


def check(testee, pool, name, source):
    message = new_message(pool, name)
    source.fill(message)
    data = message.SerializeToString()

    # Binary, with unknown fields: through us, read by Python, written anew, and read by us again.
    with_unknown = data + unknown_fields(source)
    ours = testee.convert(name, with_unknown, BINARY, BINARY)
    back = read(pool, name, ours)
    same(pool, read(pool, name, with_unknown), back, "binary")
    assert testee.convert(name, back.SerializeToString(), BINARY, BINARY) == ours, "binary, written by Python"

    printed = testee.convert(name, data, BINARY, JSON)
    same(pool, message, read_json(pool, name, printed), f"our JSON {printed}")
    theirs = json_format.MessageToJson(message, descriptor_pool=pool)
    same(pool, message, read(pool, name, testee.convert(name, theirs, JSON, BINARY)), f"Python's JSON {theirs}")

    printed = testee.convert(name, data, BINARY, TEXT)
    same(pool, message, text_format.Parse(printed, new_message(pool, name), descriptor_pool=pool), f"our text {printed}")
    theirs = text_format.MessageToString(message, descriptor_pool=pool, as_utf8=source.random() < 0.5)
    same(pool, message, read(pool, name, testee.convert(name, theirs, TEXT, BINARY)), f"Python's text {theirs}")


def main():
    program, descriptors, seed, count = sys.argv[1:]
    pool = descriptor_pool.DescriptorPool()
    with open(descriptors, "rb") as file:
        for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(proto)
    testee = Testee(program, pool)
    for number in range(int(count)):
        for name in TYPES:
            seed_of_one = f"{seed}/{number}/{name}"
            try:
                check(testee, pool, name, Random(seed_of_one, pool))
            except Exception:
                print(f"the seed of this message is {seed_of_one}", file=sys.stderr)
                raise
    print(f"Python's protobuf: {int(count) * len(TYPES)} messages there and back, as binary, JSON and text")


if __name__ == "__main__":
    main()
