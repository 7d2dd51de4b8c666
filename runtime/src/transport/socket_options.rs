//! What users may ask of TCP sockets, on both sides.

use std::io;
use std::net::SocketAddr;

use super::platform::Socket;

/// Options of TCP sockets; the system's own choice where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SocketOptions {
    /// Of the packets that are sent: 0 to 63.
    pub(crate) dscp: Option<u8>,
    /// Bytes that the system keeps until they are read.
    pub(crate) receive_buffer_size: Option<usize>,
}

impl SocketOptions {
    /// # Errors
    ///
    /// Which option cannot be had, and what was expected.
    pub(crate) fn check(self) -> Result<(), String> {
        match self.dscp {
            Some(dscp @ 64..) => Err(format!("dscp is {dscp}: expected 0 to 63")),
            Some(0..=63) | None => Ok(()),
        }
    }

    /// Applies them to a socket of `address`'s family, before it connects or listens.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn apply(self, socket: &Socket, address: &SocketAddr) -> io::Result<()> {
        if let Some(size) = self.receive_buffer_size {
            // What systems are asked for is an int.
            socket.set_receive_buffer_size(size.min(i32::MAX as usize))?;
        }
        let Some(dscp) = self.dscp else { return Ok(()) };
        // RFC 2474 3: the upper six bits; the lower two are the system's, for congestion (RFC 3168).
        let field = dscp << 2;
        match address {
            SocketAddr::V4(_) => socket.set_field_v4(field),
            SocketAddr::V6(_) => {
                // Of peers that have an IPv4 address; not every system knows it for such a socket.
                let _ = socket.set_field_v4(field);
                socket.set_field_v6(field)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    const FOUR: &str = "127.0.0.1:0";

    fn socket(address: &str) -> (Socket, SocketAddr) {
        let address = address.parse().unwrap();
        (Socket::tcp(&address).unwrap(), address)
    }

    /// RFC 2474 3: the code point is the upper six bits of the field, of both families.
    #[test]
    fn options_are_set_on_sockets_of_both_families() {
        let options = SocketOptions { dscp: Some(46), receive_buffer_size: Some(40_000) };
        let (four, address) = socket(FOUR);
        options.apply(&four, &address).unwrap();
        let four = SockRef::from(&four);
        assert_eq!(four.tos_v4().unwrap(), 46 << 2);
        // Linux tells what it takes for its own records too.
        assert!((40_000..=80_000).contains(&four.recv_buffer_size().unwrap()));
        let (six, address) = socket("[::1]:0");
        options.apply(&six, &address).unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(&six).tclass_v6().unwrap(), 46 << 2);
    }

    /// Without options the system chooses.
    #[test]
    fn nothing_is_set_without_options() {
        let ((plain, _), (asked, address)) = (socket(FOUR), socket(FOUR));
        SocketOptions::default().apply(&asked, &address).unwrap();
        let [plain, asked] = [&plain, &asked].map(SockRef::from);
        assert_eq!(plain.recv_buffer_size().unwrap(), asked.recv_buffer_size().unwrap());
        assert_eq!(asked.tos_v4().unwrap(), 0);
    }

    /// A size beyond what systems can be asked for is the largest that they can, and not what is left
    /// of it when it is cut.
    #[test]
    fn a_huge_buffer_is_the_largest_that_there_is() {
        let size_for = |size| {
            let (socket, address) = socket(FOUR);
            let options = SocketOptions { receive_buffer_size: Some(size), ..Default::default() };
            options.apply(&socket, &address).unwrap();
            SockRef::from(&socket).recv_buffer_size().unwrap()
        };
        let largest = size_for(i32::MAX as usize);
        for size in [i32::MAX as usize + 1, 3 << 30, (1 << 32) + 1, usize::MAX] {
            assert_eq!(size_for(size), largest, "{size}");
        }
    }

    /// Six bits: 63 is the last one.
    #[test]
    fn a_code_point_has_six_bits() {
        let check = |dscp| SocketOptions { dscp: Some(dscp), ..Default::default() }.check();
        assert_eq!((check(0), check(63)), (Ok(()), Ok(())));
        assert_eq!(check(64).unwrap_err(), "dscp is 64: expected 0 to 63");
        assert!(check(255).is_err());
    }
}
