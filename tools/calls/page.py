"""docs/benchmarks/calls.md: tables of what was measured."""

from . import goals
from .peers import OURS, PENDING, RAW
from .results import quartiles
from .workloads import ASLEEP, ASLEEP_WORKLOAD, COLD_WORKLOAD, IDLE, IDLE_WORKLOAD, LATE, WORKLOADS


def number(value):
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values):
    """The median, and half of what lies between the quartiles."""
    if not values:
        return "–"
    low, median, high = quartiles(values)
    return f"{number(median)} ± {50 * (high - low) / median:.0f} %" if median else number(median)


def against(found, workload, figure, peer, other):
    """The ratio of a peer to another one; of itself there is none to tell."""
    ratios = found.ratios(workload, figure, peer, other) if other else []
    return f"{quartiles(ratios)[1]:.3g} ×" if ratios else "–"


def workload_table(found, workload):
    figure, name = workload.figure, workload.name
    timed = workload.kind in ("unary", "bidi")
    columns = ["", workload.unit]
    if timed:
        columns += ["p50, µs", "p99, µs"]
    elif workload.kind == "h2load":
        columns += ["mean, µs", "longest, µs"]
    controls = {"against raw TCP": RAW} if RAW in found.peers(name) else {}
    controls["against the best peer"] = found.best(name, figure)
    columns += [*controls, "CPU of the client, µs", "of the server, µs"]
    yield "| " + " | ".join(columns) + " |"
    yield "|---" + "|--:" * (len(columns) - 1) + "|"
    peers = sorted(found.peers(name), key=lambda peer: -(found.median(name, peer, figure) or 0))
    for peer in peers:
        bold = "**" if peer in (OURS, PENDING) else ""
        cells = [f"{bold}{peer}{bold}", f"{bold}{spread(found.values(name, peer, figure))}{bold}"]
        extra = ["p50_us", "p99_us"] if timed else ["mean_us", "max_us"] if workload.kind == "h2load" else []
        cells += [number(found.median(name, peer, each)) for each in extra]
        cells += [against(found, name, figure, peer, other) for other in controls.values()]
        cells += [number(found.median(name, peer, f"{side}_cpu_us")) for side in ("client", "server")]
        yield "| " + " | ".join(cells) + " |"
    yield from failures(found, name)


def failures(found, workload):
    for (name, peer), reason in found.failures.items():
        if name == workload:
            yield f"\n{peer} has no figure in some rounds: {reason}."


def idle_table(found):
    heads = [f"KiB each of {count:,} | threads | files" for count in IDLE]
    yield "| | fresh, KiB | threads | " + " | ".join(heads) + " | |"
    yield "|---" + "|--:" * (2 + 3 * len(IDLE)) + "|---|"
    for peer in found.peers(IDLE_WORKLOAD):
        def median(figure, peer=peer):
            return number(found.median(IDLE_WORKLOAD, peer, figure))
        cells = [peer, median("fresh_kib"), median("fresh_threads")]
        for count in IDLE:
            cells += [median(f"kib_{count}"), median(f"threads_{count}"), median(f"files_{count}")]
        notes = {note for count in IDLE for note in found.values(IDLE_WORKLOAD, peer, f"note_{count}")}
        yield "| " + " | ".join(cells) + f" | {', '.join(sorted(notes))} |"


def cold_table(found):
    yield "| | from start to end, ms | on processors, ms |"
    yield "|---|--:|--:|"
    for peer in sorted(found.peers(COLD_WORKLOAD), key=lambda peer: found.median(COLD_WORKLOAD, peer, "ms")):
        cells = [spread(found.values(COLD_WORKLOAD, peer, figure)) for figure in ("ms", "client_cpu_ms")]
        yield f"| {peer} | " + " | ".join(cells) + " |"


def asleep_table(found):
    yield "| | median, ms | longest of a round, ms |"
    yield "|---|--:|--:|"
    for name, text in [*ASLEEP.items(), (LATE, "for comparison: the delay of a caller's thread that pauses for 1 ms")]:
        median, longest = (found.median(ASLEEP_WORKLOAD, OURS, f"{name}_{figure}") for figure in ("p50_ms", "ms"))
        yield f"| {text} | {number(median)} | {number(longest)} |"
    yield from failures(found, ASLEEP_WORKLOAD)


def build_table(builds):
    greeters = list(builds["crates"])
    yield "| | " + " | ".join(greeters) + " |"
    yield "|---" + "|--:" * len(greeters) + "|"
    for mode, seconds in builds["seconds"].items():
        yield f"| clean release build {mode}, s | " + " | ".join(spread(seconds[name]) for name in greeters) + " |"
    yield "| crates | " + " | ".join(str(builds["crates"][name]) for name in greeters) + " |"
    yield "| crates with those of build.rs | " + " | ".join(str(builds["build_crates"][name]) for name in greeters) + " |"
    for binary, sizes in builds["sizes"].items():
        yield f"| {binary}, stripped, KiB | " + " | ".join(f"{sizes[name] / 1024:,.0f}" for name in greeters) + " |"


def page(found, about):
    builds = about.get("builds")
    lines = [
        "# Calls beside those of other runtimes", "",
        "![Calls relative to rust-grpc](calls.svg)", "",
        "![What connections and processes cost](calls-costs.svg)", "",
        f"- Machine: {about['machine']}; load from {about['load'][0]:.1f} to {about['load'][1]:.1f} while it ran.",
        f"- Compiler: {about['rustc']}; every crate with `opt-level = 3`, `lto = \"fat\"`, `codegen-units = 1`, "
        "`panic = \"unwind\"`; C++ by g++ with `-O3 -DNDEBUG`.",
        f"- Runtimes: rust-grpc at {about['commit']}, {', '.join(filter(None, about['versions']))}; their defaults, but "
        "for messages of up to 64 MiB.",
        f"- Command: `{about['command']}`; {about['rounds']} rounds of {about['seconds']:g} s after a warm-up of a "
        "quarter of that, in each round the runtimes one after the other, beginning with another one each time.",
    ]
    lines += [f"- Missing: {name}: {reason}." for name, reason in about["missing"].items()]
    lines += [
        "", "Client and server are processes of their own, on one core or on two.",
        "On two cores a call may wait until the other core wakes up, and where the two sides are put differs from run to "
        "run: the figures of one core say more.",
        "W4b has two speeds: where the receiver empties the socket each time, whoever sends has to wake it on the other core "
        "each time, which takes longer than to send. That was so in a quarter to a third of 30 runs of rust-grpc (1.5 to 2 "
        "GB/s, else 3.5 to 4.8), and a run of few rounds shows the one or the other.",
        "raw TCP sends frames without HTTP/2 and protobuf from one thread, and writes each frame by itself: it is what "
        "the machine allows, but a runtime that writes many frames at once can pass it.",
        "rust-grpc pending is one thread that begins all calls by `*_pending` and waits for the oldest one: as raw TCP's "
        "client does it, and tonic's current_thread; rust-grpc and ttrpc have a thread for each caller.",
        "pajamax has no client: tonic's calls it; it has neither streams nor flow control, metadata and deadlines, which "
        "rust-grpc has while it is measured.",
        "ttrpc is not HTTP/2; its largest message is 4 MiB, and W6 sends 8 KiB less to it.", "",
        "In the tables: the median of the rounds ± half of what lies between the quartiles; ratios are the medians of the "
        "rounds' ratios; CPU is the processor time of one call or message, of a server with its warm-up.", "",
        "## To reach", "",
        *goals.table(found, builds), "",
    ]
    for workload in WORKLOADS:
        if found.peers(workload.name):
            lines += [f"## {workload.name}: {workload.text}", "", *workload_table(found, workload), ""]
    if found.peers(IDLE_WORKLOAD):
        lines += ["## W7: idle connections", "",
                  "Connections of HTTP/2 after SETTINGS, of raw TCP and ttrpc bare ones; resident memory beyond that of "
                  "the fresh server.", "", *idle_table(found), ""]
    if builds:
        lines += ["## W8: building the greeter", "", *build_table(builds), ""]
    if found.peers(COLD_WORKLOAD):
        lines += ["## Cold start", "", "A process that connects, makes one call and ends; the shortest of "
                  "ten in each round.", "", *cold_table(found), ""]
    if found.peers(ASLEEP_WORKLOAD):
        workers, sleep = (found.median(ASLEEP_WORKLOAD, OURS, figure) for figure in ("workers", "sleep_ms"))
        lines += ["## Calls while handlers sleep", "",
                  f"A server of rust-grpc alone, with `max_workers` {workers:g}, in one process with its clients, which have "
                  "four connections.",
                  "One of them begins calls at once, each of another method, whose handlers sleep: for the first time, and "
                  "once more when the server knows that they take long.",
                  "Each connection makes one call after the other meanwhile, the first ones right behind those that sleep; "
                  "the policy of a full pool is the default one, and `Reject` where all sleep.",
                  f"The sleep is {sleep:g} ms and not a second, which shows the same: all is measured before it ends.",
                  "A call waits at least as long as other programs keep its threads from a processor: the last line tells "
                  "how long that was.",
                  "", *asleep_table(found), ""]
    return "\n".join(lines)
