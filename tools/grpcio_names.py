#!/usr/bin/env python3
"""Print the public names of grpcio's sync API, one a line, with their parameters and attributes.

Needs grpcio, grpcio-admin, grpcio-channelz, grpcio-health-checking, grpcio-reflection, grpcio-status and grpcio-testing.
testdata/grpcio/names.txt is what it prints; a test looks for each line in docs/from-grpcio.md.
"""

import enum
import inspect
import re

import grpc
import grpc.experimental
import grpc_admin
import grpc_channelz.v1.channelz
import grpc_health.v1.health
import grpc_reflection.v1alpha.proto_reflection_descriptor_database
import grpc_reflection.v1alpha.reflection
import grpc_status.rpc_status
import grpc_testing

# Each with what its names begin with.
MODULES = [
    ("", grpc),
    ("experimental.", grpc.experimental),
    ("channelz.", grpc_channelz.v1.channelz),
    ("grpc_admin.", grpc_admin),
    ("health.", grpc_health.v1.health),
    ("reflection.", grpc_reflection.v1alpha.reflection),
    ("", grpc_reflection.v1alpha.proto_reflection_descriptor_database),
    ("rpc_status.", grpc_status.rpc_status),
    ("grpc_testing.", grpc_testing),
]
# What asyncio and gevent have, and what belongs to Python.
LEFT_OUT = {"aio", "gevent"}
DUNDERS = {"__call__", "__enter__", "__exit__"}


def main():
    print(f"# grpcio {grpc.__version__}: made by tools/grpcio_names.py")
    for prefix, module in MODULES:
        for name in names_of(module):
            for line in lines_of(name, getattr(module, name)):
                print(prefix + line)


def names_of(module):
    """Names that the module means to be public: its __all__, or what it defines itself."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if name not in LEFT_OUT]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and name not in LEFT_OUT
        and not inspect.ismodule(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
        and not isinstance(value, (dict, frozenset))
    ]


def lines_of(name, value):
    if inspect.isfunction(value):
        yield name + parameters(value)
    elif inspect.isclass(value) and issubclass(value, enum.Enum):
        for member in value:
            yield f"{name}.{member.name}"
    elif inspect.isclass(value):
        yield from lines_of_class(name, value)
    else:
        yield name


def lines_of_class(name, value):
    constructor = vars(value).get("__init__")
    yield name + (parameters(constructor) if constructor else "")
    for member, function in vars(value).items():
        is_public = not member.startswith("_") or member in DUNDERS
        if is_public and inspect.isfunction(function):
            yield f"{name}.{member}{parameters(function)}"
        elif is_public and isinstance(function, property):
            yield f"{name}.{member}"
    for attribute in attributes(value):
        yield f"{name}.{attribute}"


def attributes(value):
    """The attributes that the class's documentation lists: they stand nowhere else."""
    _, _, section = (value.__doc__ or "").partition("Attributes:\n")
    indents = [len(line) - len(line.lstrip()) for line in section.splitlines() if line.strip()]
    if not indents:
        return []
    return re.findall(rf"^ {{{indents[0]}}}(\w+):", section, re.MULTILINE)


def parameters(function):
    names = [name for name in inspect.signature(function).parameters if not name.startswith("_")]
    return "(" + ", ".join(name for name in names if name != "self") + ")"


if __name__ == "__main__":
    main()
