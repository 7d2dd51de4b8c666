//! Decides services: the trait, the server, the stub and their methods.

use protobuf::descriptor::MethodDescriptorProto;

use super::model::{Rpc, Service, Streaming};
use super::names::{Scope, identifier};
use super::source::{FILE_SERVICE, METHOD_INPUT, METHOD_OUTPUT, SERVICE_METHOD};
use super::{FileBuilder, Path, Reference, case, inner, lints, type_lints, value_lints};
use crate::user_error::UserError;

impl FileBuilder<'_> {
    /// The services of the file.
    pub(super) fn services(&self) -> Result<Vec<Service>, UserError> {
        let names = &self.index.names(self.file).services;
        let mut services = Vec::new();
        for (index, (service, name)) in self.file.service.iter().zip(names).enumerate() {
            let path = Path::of(FILE_SERVICE, index);
            let full_name = inner(self.file.package(), service.name());
            let mut scope = Scope::of_values(&[NEW]);
            let spelt: Vec<_> = service.method.iter().map(|method| method.name()).collect();
            let functions = scope.claim_all(&spelt, case::snake);
            let mut rpcs = Vec::new();
            for (index, (method, function)) in service.method.iter().zip(&functions).enumerate() {
                let place = Place {
                    path: path.item(SERVICE_METHOD, index),
                    full: inner(&full_name, method.name()),
                    service: &full_name,
                };
                let pending = match streaming(method) {
                    Streaming::None => scope.claim(&format!("{function}_pending")),
                    _ => String::new(),
                };
                rpcs.push(self.rpc(method, &place, function, pending)?);
            }
            let mut header = self.header(&path, service.options.deprecated());
            header.allows = type_lints(&name.name).into_iter().collect();
            let pending = rpcs.iter().map(|rpc: &Rpc| &rpc.pending);
            header.allows.extend(lints(functions.iter().chain(pending), value_lints));
            let uses_deprecated = header.deprecated
                || service.method.iter().any(|method| {
                    method.options.deprecated()
                        || self.is_deprecated(method.input_type())
                        || self.is_deprecated(method.output_type())
                });
            services.push(Service {
                header,
                full_name,
                name: identifier(&name.name),
                server: identifier(&name.server),
                stub: identifier(&name.stub),
                methods: identifier(&name.methods),
                parameter: if name.name == "T" { "S" } else { "T" },
                rpcs,
                uses_deprecated,
            });
        }
        Ok(services)
    }

    fn rpc(
        &self,
        method: &MethodDescriptorProto,
        place: &Place<'_>,
        function: &str,
        pending: String,
    ) -> Result<Rpc, UserError> {
        let message = |target: &str, number: i32| {
            let who = format!("rpc {}", place.full);
            let path = place.path.child(number);
            self.message_path(&Reference { target, modules: &self.modules, who, path })
        };
        Ok(Rpc {
            header: self.header(&place.path, method.options.deprecated()),
            name: identifier(function),
            pending,
            path: format!("/{}/{}", place.service, method.name()),
            streaming: streaming(method),
            request: message(method.input_type(), METHOD_INPUT)?,
            reply: message(method.output_type(), METHOD_OUTPUT)?,
        })
    }
}

/// A method under decision.
struct Place<'a> {
    path: Path,
    full: String,
    service: &'a str,
}

fn streaming(method: &MethodDescriptorProto) -> Streaming {
    match (method.client_streaming(), method.server_streaming()) {
        (false, false) => Streaming::None,
        (false, true) => Streaming::Server,
        (true, false) => Streaming::Client,
        (true, true) => Streaming::Both,
    }
}

/// The function that makes a stub.
const NEW: &str = "new";
