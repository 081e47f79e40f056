//! The company's network that some tests are in: the default names of AWS are really called, by way of a proxy on this machine that
//! leads to the stand-in, whatever host it is asked for.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use stand_in::{Account, Authority, Proxy, Route, StandIn};

use crate::support::home::{Home, Run};

pub const RENEWING: &str = "renewing [work]: there are no credentials yet\n";
/// Where STS is called when nobody says where.
pub const HOST: &str = "sts.us-east-1.amazonaws.com";

/// The company's network: a proxy that looks into TLS with certificates of the company's own authority.
pub struct CorporateNetwork {
    pub sts: StandIn,
    pub proxy: Proxy,
    pub authority: Authority,
}

impl CorporateNetwork {
    pub fn new(account: Account, hosts: &[&str]) -> Self {
        Self::with(account, hosts, |route| route)
    }

    pub fn with(account: Account, hosts: &[&str], route: impl FnOnce(Route) -> Route) -> Self {
        let authority = Authority::new("Fake Company CA");
        let sts = StandIn::start_tls(account, &authority.identity(hosts));
        let proxy = Proxy::start(route(Route::to(sts.address())));
        Self {
            sts,
            proxy,
            authority,
        }
    }

    /// A run that calls AWS by its own names, through the proxy and with the company's authority.
    pub fn run<'h>(&self, home: &'h Home, arguments: &[&str]) -> Run<'h> {
        home.write("company.pem", &self.authority.pem());
        home.run(arguments)
            .without_env("AWS_ENDPOINT_URL_IAM")
            .without_env("AWS_ENDPOINT_URL_SIGNIN")
            .env("HTTPS_PROXY", &self.proxy.url())
            .env("AWS_CA_BUNDLE", home.file("company.pem").to_str().unwrap())
    }

    pub fn renew<'h>(&self, home: &'h Home, device: &str) -> Run<'h> {
        let code = self.sts.fresh_code(device);
        self.run(home, &["-p", "work", "--token", &code])
    }

    pub fn targets(&self) -> Vec<String> {
        let requests = self.proxy.requests().into_iter();
        requests.map(|request| request.target).collect()
    }
}

/// Where nobody listens. The port is held, so that nobody else comes to, unless a test lets somebody.
pub struct Nobody {
    pub address: SocketAddr,
    _held: Socket,
}

pub fn nobody() -> Nobody {
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    held.set_reuse_address(true).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    held.bind(&any.into()).unwrap();
    Nobody {
        address: held.local_addr().unwrap().as_socket().unwrap(),
        _held: held,
    }
}
