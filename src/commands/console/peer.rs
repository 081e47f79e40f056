//! Whose a connection from this machine is.

use std::net::SocketAddr;

/// Whether another user than this process's or root has opened the other end of a connection, as far as the system tells.
#[cfg(target_os = "linux")]
pub(super) fn is_of_another_user(client: SocketAddr, server: SocketAddr) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .filter_map(|table| linux::owner(&table, client, server))
        // Whoever is root can read the memory of this process. What relays connections from Windows into WSL is root, too.
        .any(|owner| owner != ours && owner != 0)
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_of_another_user(_client: SocketAddr, _server: SocketAddr) -> bool {
    false
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    /// The user who owns a connection in a table of the kernel: <https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html>.
    pub(super) fn owner(table: &str, client: SocketAddr, server: SocketAddr) -> Option<u32> {
        let (local, remote) = (written(client), written(server));
        table.lines().skip(1).find_map(|line| {
            let mut words = line.split_whitespace();
            let is_it = |word: Option<&str>, ends: &[String; 2]| {
                word.is_some_and(|word| ends.iter().any(|end| end == word))
            };
            let is_local = is_it(words.nth(1), &local);
            let is_remote = is_it(words.next(), &remote);
            let owner = words.nth(4)?.parse().ok()?;
            (is_local && is_remote).then_some(owner)
        })
    }

    /// An end of a connection as the tables have it: an address of IPv4, and the same address in IPv6.
    fn written(end: SocketAddr) -> [String; 2] {
        let port = end.port();
        let mapped = match end.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let octets = mapped.octets();
        // The tables have the words of an address as numbers of this machine.
        let words = octets.chunks_exact(4).map(|word| {
            let word = [word[0], word[1], word[2], word[3]];
            format!("{:08X}", u32::from_ne_bytes(word))
        });
        let words: Vec<String> = words.collect();
        [
            format!("{}:{port:04X}", words[3]),
            format!("{}:{port:04X}", words.concat()),
        ]
    }

    #[cfg(test)]
    mod tests {
        use std::net::{TcpListener, TcpStream};

        use super::owner;

        const HEADER: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

        #[cfg(target_endian = "little")]
        #[test]
        fn the_owner_is_that_of_the_clients_end() {
            let (client, server) = ("127.0.0.1:8080", "127.0.0.1:443");
            let rest = "01 00000000:00000000 00:00000000 00000000";
            let ours = format!("   0: 0100007F:01BB 0100007F:1F90 {rest}  1000        0 1 1\n");
            let theirs = format!("   1: 0100007F:1F90 0100007F:01BB {rest}  1001        0 2 1\n");
            let mapped = theirs.replace("0100007F", "0000000000000000FFFF00000100007F");
            let (client, server) = (client.parse().unwrap(), server.parse().unwrap());
            for (table, expected) in [
                (format!("{HEADER}{ours}{theirs}"), Some(1001)),
                (format!("{HEADER}{mapped}"), Some(1001)),
                (format!("{HEADER}{ours}"), None),
                (format!("{HEADER}   0: x\n\n"), None),
                (String::new(), None),
            ] {
                assert_eq!(owner(&table, client, server), expected, "{table}");
            }
        }

        #[test]
        fn the_kernel_tells_who_owns_a_connection_of_this_process() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let server = listener.local_addr().unwrap();
            let stream = TcpStream::connect(server).unwrap();
            let client = stream.local_addr().unwrap();
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let ours = rustix::process::geteuid().as_raw();
            assert_eq!(owner(&table, client, server), Some(ours));
        }
    }
}
