//! `raw-client PORT WORKLOAD`: one thread; several callers are as many frames under way, each written by itself.

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;

use frames::{ECHO, Frames, HEADER, STREAM, put};
use measure::pipelined::Pipelined;
use measure::{Started, Workload, blocking, check, pipelined};

struct Client {
    socket: TcpStream,
    frames: Frames,
}

impl Client {
    fn connect(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        let frames = Frames::new(socket.try_clone()?);
        Ok(Self { socket, frames })
    }

    /// The size of the next frame's body.
    fn receive(&mut self) -> io::Result<usize> {
        let frame = self.frames.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(frame.len() - HEADER)
    }

    fn exchange(&mut self, frame: &[u8]) -> io::Result<usize> {
        self.socket.write_all(frame)?;
        self.receive()
    }
}

/// A client and the frame that it writes again and again.
struct Echo {
    client: Client,
    frame: Vec<u8>,
}

impl Pipelined for Echo {
    type Call = ();
    type Error = io::Error;

    fn begin(&mut self) -> io::Result<()> {
        self.client.socket.write_all(&self.frame)
    }

    fn wait(&mut self, (): ()) -> io::Result<usize> {
        self.client.receive()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?.parse()?;
    let workload = Workload::from_words(words)?;
    let mut client = Client::connect(port)?;
    match workload {
        Workload::Once { size } => check(client.exchange(&echo(size))?, size),
        Workload::Unary { callers: 1, size, time } | Workload::Bidi { size, time } => {
            let frame = echo(size);
            blocking::exchange(size, time, || client.exchange(&frame))?.print();
        }
        Workload::Unary { callers, size, time } => {
            let mut echoes = Echo { client, frame: echo(size) };
            pipelined::unary(&mut echoes, callers, size, time)?.print();
        }
        Workload::Stream { count, size } => {
            let started = Started::now();
            let mut asked = Vec::new();
            put(&mut asked, STREAM, &[count.to_le_bytes(), (size as u32).to_le_bytes()].concat());
            client.socket.write_all(&asked)?;
            for _ in 0..count {
                check(client.receive()?, size);
            }
            started.stream(count, size).print();
        }
    }
    Ok(())
}

fn echo(size: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + size);
    put(&mut frame, ECHO, &vec![b'x'; size]);
    frame
}
