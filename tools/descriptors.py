"""The little of protobuf that `make corpus` needs: requests for plugins, their answers, and what files describe.

Everything is sliced out of the bytes as they came; only requests are put together, from such slices.
"""

# Field numbers of plugin.proto.
REQUEST_FILE_TO_GENERATE, REQUEST_PARAMETER, REQUEST_PROTO_FILE = 1, 2, 15
RESPONSE_ERROR, RESPONSE_FILE = 1, 15
RESPONSE_FILE_NAME, RESPONSE_FILE_CONTENT = 1, 15

# Field numbers of descriptor.proto; a message, an enum, a service and their parts have their name in field 1.
SET_FILE = 1
FILE_PACKAGE, FILE_DEPENDENCY, FILE_MESSAGE, FILE_ENUM, FILE_SERVICE, FILE_EXTENSION = 2, 3, 4, 5, 6, 7
MESSAGE_NESTED, MESSAGE_OPTIONS, OPTIONS_MAP_ENTRY = 3, 7, 7
ENUM_VALUE = 2
NAME = 1

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5


class File:
    """One .proto as protoc describes it."""

    def __init__(self, raw):
        self.raw = raw
        parts = list(fields(raw))
        self.name, self.package = text(parts, NAME), text(parts, FILE_PACKAGE)
        self.dependencies = [str(value, "utf-8") for number, value in parts if number == FILE_DEPENDENCY]
        self.messages = sum(messages(value) for number, value in parts if number == FILE_MESSAGE)
        self.services = sum(number == FILE_SERVICE for number, _ in parts)
        declared = [value for number, value in parts if FILE_MESSAGE <= number <= FILE_EXTENSION]
        # An enum's values stand beside it.
        for number, value in parts:
            if number == FILE_ENUM:
                declared.extend(value for number, value in fields(value) if number == ENUM_VALUE)
        self.symbols = {f"{self.package}.{text(fields(value), NAME)}" for value in declared}


def text(parts, wanted):
    return next((str(value, "utf-8") for number, value in parts if number == wanted), "")


def messages(raw):
    """How many messages a DescriptorProto is, those in it among them; the entry of a map is none."""
    count = 1
    for number, value in fields(raw):
        if number == MESSAGE_NESTED:
            count += messages(value)
        elif number == MESSAGE_OPTIONS and (OPTIONS_MAP_ENTRY, 1) in fields(value):
            return 0
    return count


def fields(raw):
    """The fields of a message: number and value, which is a slice unless it is a varint."""
    view, at = memoryview(raw), 0
    while at < len(view):
        tag, at = varint(view, at)
        wire_type = tag & 7
        if wire_type == VARINT:
            value, at = varint(view, at)
            yield tag >> 3, value
            continue
        if wire_type == LENGTH_DELIMITED:
            length, at = varint(view, at)
        elif wire_type in (FIXED64, FIXED32):
            length = 8 if wire_type == FIXED64 else 4
        else:
            raise ValueError(f"expected a descriptor, which has no groups, got wire type {wire_type}")
        yield tag >> 3, view[at : at + length]
        at += length


def varint(view, at):
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def of_request(request):
    """The files that a request describes, by name and in its order: each after what it imports."""
    return by_name(request, REQUEST_PROTO_FILE)


def of_set(descriptors):
    """The same of a FileDescriptorSet."""
    return by_name(descriptors, SET_FILE)


def by_name(raw, wanted):
    files = (File(value) for number, value in fields(raw) if number == wanted)
    return {file.name: file for file in files}


def request(parameter, names, files):
    """A CodeGeneratorRequest for the files of these names, which `files` describes with all that they import."""
    described = closure(names, files)
    parts = [record(REQUEST_FILE_TO_GENERATE, name.encode()) for name in names]
    parts.append(record(REQUEST_PARAMETER, parameter.encode()))
    parts.extend(record(REQUEST_PROTO_FILE, file.raw) for name, file in files.items() if name in described)
    return b"".join(parts)


def record(number, value):
    return encoded_varint(number << 3 | LENGTH_DELIMITED) + encoded_varint(len(value)) + bytes(value)


def encoded_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def answer(response):
    """The files of a CodeGeneratorResponse by name, and the error that it may give instead."""
    generated, error = {}, None
    for number, value in fields(response):
        if number == RESPONSE_ERROR:
            error = str(value, "utf-8")
        elif number == RESPONSE_FILE:
            parts = dict(fields(value))
            generated[str(parts[RESPONSE_FILE_NAME], "utf-8")] = parts.get(RESPONSE_FILE_CONTENT, b"")
    return generated, error


def closure(names, files):
    """These files and all that they import, directly or not."""
    found, left = set(), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(files[name].dependencies)
    return found
