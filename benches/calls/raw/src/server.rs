//! `raw-server PORT`: a thread for each connection, which reads and writes; a write for each frame.

use std::error::Error;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use frames::{BATCH, ECHO, Frames, HEADER, STREAM, number, put};

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("expected a port")?.parse()?;
    for socket in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let socket = socket?;
        thread::spawn(move || serve(&socket));
    }
    Ok(())
}

fn serve(mut socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut frames = Frames::new(socket.try_clone()?);
    while let Some(frame) = frames.next()? {
        match number(frame, 4) {
            STREAM => stream(socket, number(frame, HEADER), number(frame, HEADER + 4) as usize)?,
            _ => socket.write_all(frame)?,
        }
    }
    Ok(())
}

fn stream(mut socket: &TcpStream, count: u32, size: usize) -> io::Result<()> {
    let body = vec![b'x'; size];
    let mut batch = Vec::with_capacity(BATCH + HEADER + size);
    for _ in 0..count {
        put(&mut batch, ECHO, &body);
        if batch.len() >= BATCH {
            socket.write_all(&batch)?;
            batch.clear();
        }
    }
    socket.write_all(&batch)
}
