//! A payee that is not lnd: an LDK node on a private chain, for tests of hh-ln against a second implementation of Lightning.
//!
//!   ldk_payee FOLDER NETWORK RPC_HOST:PORT COOKIE_FILE LISTEN_HOST:PORT
//!
//! NETWORK is regtest or signet. On standard output it prints a JSON object with its public key and the address of a small HTTP server, by
//! which a test asks for what it needs; then it runs until its process is ended.
//!
//!   GET /invoice/MSAT/SECONDS   a BOLT 11 invoice over so much, with this expiry
//!   GET /offer/MSAT             a BOLT 12 offer
//!   GET /received               msat that were received, and by how many payments
//!   GET /channels               usable channels
//!
//! Payments are claimed as they arrive. It keeps nothing on chain for anchors: there is nobody to cheat it here.

use ldk_node::bitcoin::Network;
use ldk_node::config::{AnchorChannelsConfig, Config};
use ldk_node::lightning_invoice::{Bolt11InvoiceDescription, Description};
use ldk_node::payment::{PaymentDirection, PaymentKind, PaymentStatus};
use ldk_node::{Builder, Node};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::exit;

fn fail(what: &str) -> ! {
    eprintln!("ldk_payee: {what}");
    exit(1)
}

fn must<T, E: std::fmt::Debug>(result: Result<T, E>, doing: &str) -> T {
    result.unwrap_or_else(|e| fail(&format!("{doing}: {e:?}")))
}

fn start(folder: &str, network: &str, rpc: &str, cookie_file: &str, listen: &str) -> Node {
    let config = Config {
        anchor_channels_config: Some(AnchorChannelsConfig { trusted_peers_no_reserve: vec![], per_channel_reserve_sats: 0 }),
        ..Config::default()
    };
    let cookie = must(std::fs::read_to_string(cookie_file), cookie_file);
    let (user, password) = cookie.trim().split_once(':').unwrap_or_else(|| fail("the cookie has no colon"));
    let (host, port) = rpc.split_once(':').unwrap_or_else(|| fail("RPC_HOST:PORT"));
    let mut builder = Builder::from_config(config);
    builder.set_network(match network {
        "regtest" => Network::Regtest,
        "signet" => Network::Signet,
        _ => fail("NETWORK is regtest or signet"),
    });
    builder.set_storage_dir_path(folder.to_string());
    builder.set_chain_source_bitcoind_rpc(host.to_string(), must(port.parse(), port), user.to_string(), password.to_string());
    must(builder.set_listening_addresses(vec![must(listen.parse(), listen)]), "listen");
    let node = must(builder.build(), "build the node");
    must(node.start(), "start the node");
    node
}

fn received(node: &Node) -> String {
    let paid = node.list_payments_with_filter(|p| {
        p.direction == PaymentDirection::Inbound && p.status == PaymentStatus::Succeeded && !matches!(p.kind, PaymentKind::Onchain { .. })
    });
    let msat: u64 = paid.iter().map(|p| p.amount_msat.unwrap_or(0)).sum();
    format!("{{\"payments\":{},\"msat\":{msat}}}", paid.len())
}

/// None: no such thing can be asked for.
fn answer(node: &Node, path: &str) -> Option<String> {
    let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match words[..] {
        ["invoice", msat, seconds] => {
            let description = Bolt11InvoiceDescription::Direct(Description::new("payout".to_string()).ok()?);
            let invoice = node.bolt11_payment().receive(msat.parse().ok()?, &description, seconds.parse().ok()?).ok()?;
            Some(invoice.to_string())
        }
        ["offer", msat] => Some(node.bolt12_payment().receive(msat.parse().ok()?, "payout", None, None).ok()?.to_string()),
        ["received"] => Some(received(node)),
        ["channels"] => Some(node.list_channels().iter().filter(|c| c.is_usable).count().to_string()),
        _ => None,
    }
}

fn serve(node: &Node, mut stream: TcpStream) -> std::io::Result<()> {
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    let (status, body) = match line.split(' ').nth(1).and_then(|path| answer(node, path)) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", String::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}\n", body.len() + 1)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().map(String::as_str) == Some("--version") {
        println!("ldk_payee {}", env!("CARGO_PKG_VERSION"));
        return;
    }
    let [folder, network, rpc, cookie_file, listen] = &arguments[..] else {
        fail("usage: ldk_payee FOLDER NETWORK RPC_HOST:PORT COOKIE_FILE LISTEN_HOST:PORT")
    };
    let node = start(folder, network, rpc, cookie_file, listen);
    let server = must(TcpListener::bind("127.0.0.1:0"), "listen on loopback");
    println!("{{\"node\":\"{}\",\"http\":\"{}\"}}", node.node_id(), must(server.local_addr(), "its address"));
    loop {
        // Events are kept until somebody takes them.
        while node.next_event().is_some() {
            must(node.event_handled(), "take an event");
        }
        if let Ok((stream, _)) = server.accept() {
            let _ = serve(&node, stream);
        }
    }
}
