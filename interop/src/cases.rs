//! Our side as a client: each case calls a server of `interop.Interop` and says what was wrong, if anything.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use rust_grpc::{Code, Metadata, Request, Status};

use crate::proto::interop::{Chunk, DownloadRequest, EchoRequest, HangRequest, InteropStub};

/// What was wrong, if anything.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A case: it gets a stub of the server under test.
pub type Case = fn(&InteropStub) -> Outcome;

/// All cases by name, in the order in which they run.
pub const CASES: &[(&str, Case)] = &[
    ("unary", unary),
    ("server_streaming", server_streaming),
    ("client_streaming", client_streaming),
    ("bidirectional", bidirectional),
    ("halves_on_two_threads", halves_on_two_threads),
    ("pending", pending),
    ("metadata", metadata),
    ("metadata_of_streams", metadata_of_streams),
    ("status", status),
    ("every_code", every_code),
    ("unimplemented", unimplemented),
    ("deadline", deadline),
    ("cancellation_by_handle", cancellation_by_handle),
    ("cancellation_by_drop", cancellation_by_drop),
    ("three_mebibytes", three_mebibytes),
    ("over_the_limit", over_the_limit),
    ("long_stream_down", long_stream_down),
    ("long_stream_up", long_stream_up),
    ("a_thousand_calls_from_16_threads", a_thousand_calls_from_16_threads),
];

const TIMEOUT: Duration = Duration::from_secs(60);
const MEBIBYTE: usize = 1 << 20;
const WORDS: &str = "找不到:你好,世界 🦀🚀 100% ü\n";

fn unary(stub: &InteropStub) -> Outcome {
    for size in [0, 1, 1000, 70_000] {
        let payload = bytes(size);
        let reply = stub
            .echo(within_limit(&EchoRequest { payload: payload.clone(), ..Default::default() }))?;
        expect("payload", &reply.payload, &payload)?;
    }
    Ok(())
}

fn server_streaming(stub: &InteropStub) -> Outcome {
    let request = DownloadRequest { count: 17, size: 5000, ..Default::default() };
    let chunks = stub.download(within_limit(&request))?.collect::<Result<Vec<_>, Status>>()?;
    expect("numbers", &numbers(&chunks), &(0..17).collect())?;
    expect("sizes", &chunks.iter().all(|chunk| chunk.payload.len() == 5000), &true)?;
    expect("empty stream", &stub.download(DownloadRequest::default())?.count(), &0)
}

fn client_streaming(stub: &InteropStub) -> Outcome {
    let chunks = vec![Chunk { payload: bytes(3000), ..Default::default() }; 50];
    let summary = stub.upload(within_limit(()))?.send_all(&chunks)?.finish()?;
    expect("summary", &(summary.count, summary.bytes), &(50, 150_000))?;
    expect("empty stream", &stub.upload(())?.finish()?.count, &0)
}

fn bidirectional(stub: &InteropStub) -> Outcome {
    let mut chat = stub.chat(within_limit(()))?;
    for number in 0..20 {
        chat.send(&Chunk { number, payload: bytes(number as usize), ..Default::default() })?;
        let chunk = chat.recv()?.ok_or("the stream ended early")?;
        expect("number", &chunk.number, &number)?;
    }
    chat.close_send();
    expect("end", &chat.recv()?.is_none(), &true)
}

fn halves_on_two_threads(stub: &InteropStub) -> Outcome {
    let (mut sender, receiver) = stub.chat(within_limit(()))?.split();
    let sending = std::thread::spawn(move || -> Result<(), Status> {
        for number in 0..2000 {
            sender.send(&Chunk { number, payload: bytes(100), ..Default::default() })?;
        }
        sender.close_send();
        Ok(())
    });
    let chunks = receiver.collect::<Result<Vec<_>, Status>>()?;
    sending.join().map_err(|_| "the sending thread panicked")??;
    expect("numbers", &numbers(&chunks), &(0..2000).collect())
}

fn pending(stub: &InteropStub) -> Outcome {
    let calls = (0..10u8)
        .map(|number| {
            stub.echo_pending(EchoRequest { payload: vec![number], ..Default::default() })
        })
        .collect::<Result<Vec<_>, Status>>()?;
    for (number, call) in (0..10u8).zip(calls) {
        expect("payload", &call.wait()?.payload, &vec![number])?;
    }
    Ok(())
}

fn metadata(stub: &InteropStub) -> Outcome {
    let all = bytes(256);
    let request = Request::new(EchoRequest::default())
        .timeout(TIMEOUT)
        .metadata("x-echo-initial", "plain value")
        .metadata_bin("x-echo-initial-bin", &all)
        .metadata("x-echo-initial-repeated", "one")
        .metadata("x-echo-initial-repeated", "two")
        .metadata("x-echo-trailing", "at the end")
        .metadata_bin("x-echo-trailing-bin", b"\x00\xff")
        .metadata_bin("x-echo-trailing-bin", b"");
    let reply = stub.echo(request)?;
    let initial = reply.metadata();
    expect("initial, ASCII", &initial.get("x-echo-initial"), &Some("plain value"))?;
    expect("initial, binary", &initial.get_bin("x-echo-initial-bin"), &Some(all.as_slice()))?;
    let repeated = initial.get_all("x-echo-initial-repeated").collect::<Vec<_>>();
    expect("initial, repeated", &repeated, &vec!["one", "two"])?;
    let trailing = reply.trailing_metadata();
    expect("trailing, ASCII", &trailing.get("x-echo-trailing"), &Some("at the end"))?;
    let repeated = trailing.get_all_bin("x-echo-trailing-bin").collect::<Vec<_>>();
    expect("trailing, binary", &repeated, &vec![b"\x00\xff".as_slice(), b""])
}

fn metadata_of_streams(stub: &InteropStub) -> Outcome {
    let request = within_limit(()).metadata("x-echo-initial", "a").metadata("x-echo-trailing", "b");
    let mut chat = stub.chat(request)?;
    chat.send(Chunk::default())?;
    chat.close_send();
    expect("initial", &chat.metadata()?.get("x-echo-initial"), &Some("a"))?;
    expect("first", &chat.recv()?.is_some(), &true)?;
    expect("end", &chat.recv()?.is_none(), &true)?;
    let trailing: &Metadata = chat.trailing_metadata().ok_or("no trailing metadata")?;
    expect("trailing", &trailing.get("x-echo-trailing"), &Some("b"))
}

fn status(stub: &InteropStub) -> Outcome {
    let request = EchoRequest { code: 5, message: WORDS.to_owned(), ..Default::default() };
    let status = failure(stub.echo(within_limit(&request).metadata("x-echo-trailing", "why")))?;
    expect("code", &status.code(), &Code::NotFound)?;
    expect("message", &status.message(), &WORDS)?;
    expect("trailing", &status.metadata().get("x-echo-trailing"), &Some("why"))
}

fn every_code(stub: &InteropStub) -> Outcome {
    for code in 1..=16 {
        let request = EchoRequest { code, message: "m".to_owned(), ..Default::default() };
        expect(
            "code",
            &failure(stub.echo(within_limit(&request)))?.code(),
            &Code::from_number(code),
        )?;
    }
    Ok(())
}

fn unimplemented(stub: &InteropStub) -> Outcome {
    let status = failure(stub.missing(EchoRequest::default()))?;
    expect("code", &status.code(), &Code::Unimplemented)
}

fn deadline(stub: &InteropStub) -> Outcome {
    let started = Instant::now();
    let hang = HangRequest { name: "rust-deadline".to_owned(), ..Default::default() };
    let replies = stub.hang(Request::new(&hang).timeout(Duration::from_millis(300)))?;
    let last = replies.last().ok_or("the stream ended with nothing")?;
    expect("code", &failure(last)?.code(), &Code::DeadlineExceeded)?;
    expect("in time", &(started.elapsed() < Duration::from_secs(30)), &true)?;
    stub.await_end(within_limit(&hang))?;
    Ok(())
}

fn cancellation_by_handle(stub: &InteropStub) -> Outcome {
    let hang = HangRequest { name: "rust-cancel".to_owned(), ..Default::default() };
    let mut replies = stub.hang(within_limit(&hang))?;
    expect("first", &replies.recv()?.is_some(), &true)?;
    let canceller = replies.canceller();
    std::thread::spawn(move || canceller.cancel());
    expect("code", &failure(replies.recv())?.code(), &Code::Cancelled)?;
    stub.await_end(within_limit(&hang))?;
    Ok(())
}

fn cancellation_by_drop(stub: &InteropStub) -> Outcome {
    let hang = HangRequest { name: "rust-drop".to_owned(), ..Default::default() };
    let mut replies = stub.hang(within_limit(&hang))?;
    expect("first", &replies.recv()?.is_some(), &true)?;
    drop(replies);
    stub.await_end(within_limit(&hang))?;
    Ok(())
}

fn three_mebibytes(stub: &InteropStub) -> Outcome {
    let request = EchoRequest { payload: bytes(3 * MEBIBYTE), ..Default::default() };
    expect("payload", &(stub.echo(within_limit(&request))?.payload == request.payload), &true)
}

fn over_the_limit(stub: &InteropStub) -> Outcome {
    let request = EchoRequest { payload: bytes(5 * MEBIBYTE), ..Default::default() };
    expect("code", &failure(stub.echo(within_limit(&request)))?.code(), &Code::ResourceExhausted)?;
    unary(stub)
}

fn long_stream_down(stub: &InteropStub) -> Outcome {
    let request = DownloadRequest { count: 100_000, size: 10, ..Default::default() };
    let mut next = 0;
    for chunk in stub.download(within_limit(&request))? {
        expect("number", &chunk?.number, &next)?;
        next += 1;
    }
    expect("count", &next, &100_000)
}

fn long_stream_up(stub: &InteropStub) -> Outcome {
    let mut upload = stub.upload(within_limit(()))?;
    for number in 0..100_000 {
        upload.send(&Chunk { number, payload: bytes(10), ..Default::default() })?;
    }
    let summary = upload.finish()?;
    expect("summary", &(summary.count, summary.bytes), &(100_000, 1_000_000))
}

fn a_thousand_calls_from_16_threads(stub: &InteropStub) -> Outcome {
    std::thread::scope(|scope| {
        let callers = (0..16u32).map(|caller| {
            scope.spawn(move || -> Result<(), Status> {
                for call in (caller..1000).step_by(16) {
                    let payload = call.to_le_bytes().repeat(10);
                    let reply =
                        stub.echo(EchoRequest { payload: payload.clone(), ..Default::default() })?;
                    assert_eq!(reply.payload, payload);
                }
                Ok(())
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.join().map_err(|_| "a reply had another call's payload")??;
        }
        Ok(())
    })
}

/// A request with a deadline, so that no case hangs.
fn within_limit<T>(message: T) -> Request<T> {
    Request::new(message).timeout(TIMEOUT)
}

pub(crate) fn expect<T: PartialEq + Debug>(what: &str, got: &T, wanted: &T) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: expected {wanted:?}, got {got:?}").into())
}

fn failure<T>(result: Result<T, Status>) -> Result<Status, &'static str> {
    result.err().ok_or("expected an error, got a reply")
}

fn numbers(chunks: &[Chunk]) -> Vec<u32> {
    chunks.iter().map(|chunk| chunk.number).collect()
}

fn bytes(size: usize) -> Vec<u8> {
    (0..=255).cycle().take(size).collect()
}
