#!/bin/sh
# A protoc plugin that keeps its request, for tests/golden.rs. The answer says that proto3 optional
# and editions 998 (proto2) to 1002 (2026) are supported, so that protoc sends everything.
cat > "$RUST_GRPC_REQUEST"
printf '\020\003\030\346\007\040\352\007'
