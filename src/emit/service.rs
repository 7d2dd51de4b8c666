//! A service: its trait, the server that serves an implementation, and the client's stub.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Printer, above, allow_deprecated, lints, parsed};
use crate::schema::model::{File, Rpc, Service, Streaming};

impl Printer {
    pub(super) fn service(&self, service: &Service, file: &File) -> TokenStream {
        let methods = self.methods(service);
        let server = file.server.then(|| {
            let (definition, server) = (self.definition_of(service), self.server(service, file));
            quote!(#definition #server)
        });
        let client = file.client.then(|| self.stub(service, file));
        if file.server || file.client { quote!(#methods #server #client) } else { quote!() }
    }

    fn methods(&self, service: &Service) -> TokenStream {
        let runtime = &self.runtime;
        let name = parsed(&service.methods);
        let doc = format!(" The methods of `{}`.", service.full_name);
        let methods = service.rpcs.iter().map(|rpc| {
            let path = &rpc.path;
            let kind = match rpc.streaming {
                Streaming::None => quote!(Unary),
                Streaming::Server => quote!(ServerStreaming),
                Streaming::Client => quote!(ClientStreaming),
                Streaming::Both => quote!(Bidirectional),
            };
            quote!(#runtime::Method::new(#path, #runtime::MethodKind::#kind))
        });
        quote! {
            #[doc = #doc]
            pub const #name: &[#runtime::Method] = &[#(#methods),*];
        }
    }

    fn definition_of(&self, service: &Service) -> TokenStream {
        let (above, lints) = (above(&service.header), lints(&service.header));
        let allow = allow_deprecated(service.uses_deprecated);
        let name = parsed(&service.name);
        let rpcs = service.rpcs.iter().enumerate();
        let functions = rpcs.map(|(index, rpc)| self.trait_function(service, index, rpc));
        quote! {
            #above
            #lints
            #allow
            pub trait #name: ::core::marker::Send + ::core::marker::Sync {
                #(#functions)*
            }
        }
    }

    fn trait_function(&self, service: &Service, index: usize, rpc: &Rpc) -> TokenStream {
        let runtime = &self.runtime;
        let (above, name) = (above(&rpc.header), parsed(&rpc.name));
        let (request, reply) = (parsed(&rpc.request), parsed(&rpc.reply));
        let methods = parsed(&service.methods);
        let index = Literal::usize_unsuffixed(index);
        let (one, stream) =
            (quote!(request: #request), quote!(requests: &mut #runtime::RequestStream<#request>));
        let sink = quote!(replies: &mut #runtime::ReplySink<#reply>,);
        let (input, output, result, arguments) = match rpc.streaming {
            Streaming::None => (one, quote!(), quote!(#reply), quote!(request, context)),
            Streaming::Server => (one, sink, quote!(()), quote!(request, replies, context)),
            Streaming::Client => (stream, quote!(), quote!(#reply), quote!(requests, context)),
            Streaming::Both => (stream, sink, quote!(()), quote!(requests, replies, context)),
        };
        quote! {
            #above
            fn #name(
                &self,
                #input,
                #output
                context: &mut #runtime::Context,
            ) -> ::core::result::Result<#result, #runtime::Status> {
                use #runtime::generated::service::unimplemented;
                let _ = (#arguments);
                ::core::result::Result::Err(unimplemented(&#methods[#index]))
            }
        }
    }

    fn server(&self, service: &Service, file: &File) -> TokenStream {
        let runtime = &self.runtime;
        let (allow, lints) = (allow_deprecated(service.uses_deprecated), lints(&service.header));
        let deprecated = service.header.deprecated.then(|| quote!(#[deprecated]));
        let (trait_name, name) = (parsed(&service.name), parsed(&service.server));
        let (parameter, methods) = (parsed(service.parameter), parsed(&service.methods));
        let full_name = &service.full_name;
        let doc = format!(" Serves an implementation of [`{}`].", service.name);
        let rpcs = service.rpcs.iter().enumerate();
        let codec = parsed(file.codec);
        let described = file.descriptor.as_ref().map(|descriptor| {
            let file = parsed(&descriptor.name);
            quote! {
                fn file(
                    &self,
                ) -> ::core::option::Option<&'static #runtime::generated::reflect::GeneratedFile> {
                    ::core::option::Option::Some(&#file)
                }
            }
        });
        let arms = rpcs.map(|(index, rpc)| arm(service, &codec, index, rpc));
        let import =
            (!service.rpcs.is_empty()).then(|| quote!(use #runtime::generated::service::#codec;));
        quote! {
            #[doc = #doc]
            #deprecated
            #lints
            pub struct #name<#parameter> {
                service: ::std::sync::Arc<#parameter>,
            }
            #allow
            impl<#parameter> #name<#parameter> {
                #[doc = " Serves `service`."]
                pub fn new(service: #parameter) -> Self {
                    Self::from_arc(::std::sync::Arc::new(service))
                }
                #[doc = " Serves `service`, which others may hold too."]
                pub fn from_arc(service: ::std::sync::Arc<#parameter>) -> Self {
                    Self { service }
                }
            }
            #allow
            impl<#parameter> ::core::clone::Clone for #name<#parameter> {
                fn clone(&self) -> Self {
                    Self::from_arc(::std::sync::Arc::clone(&self.service))
                }
            }
            #allow
            impl<#parameter: #trait_name> #runtime::Service for #name<#parameter> {
                fn name(&self) -> &str {
                    #full_name
                }
                fn methods(&self) -> &[#runtime::Method] {
                    #methods
                }
                #described
                fn call(&self, method: usize, call: #runtime::generated::service::ServerCall<'_>) {
                    #import
                    match method {
                        #(#arms)*
                        _ => call.unimplemented(),
                    }
                }
            }
        }
    }

    fn stub(&self, service: &Service, file: &File) -> TokenStream {
        let runtime = &self.runtime;
        let (above, lints) = (above(&service.header), lints(&service.header));
        let allow = allow_deprecated(service.uses_deprecated);
        let (name, codec) = (parsed(&service.stub), parsed(file.codec));
        let rpcs = service.rpcs.iter().enumerate();
        let functions = rpcs.map(|(index, rpc)| self.stub_functions(service, &codec, index, rpc));
        quote! {
            #above
            #[derive(Clone, Debug)]
            #lints
            pub struct #name {
                channel: #runtime::Channel,
            }
            #lints
            #allow
            impl #name {
                #[doc = " Calls over `channel`."]
                pub fn new(channel: #runtime::Channel) -> Self {
                    Self { channel }
                }
                #(#functions)*
            }
        }
    }

    /// The function of an rpc, for a unary one also that which does not wait.
    fn stub_functions(
        &self,
        service: &Service,
        codec: &TokenStream,
        index: usize,
        rpc: &Rpc,
    ) -> TokenStream {
        let runtime = &self.runtime;
        let (above, name) = (above(&rpc.header), parsed(&rpc.name));
        let (request, reply) = (parsed(&rpc.request), parsed(&rpc.reply));
        let methods = parsed(&service.methods);
        let index = Literal::usize_unsuffixed(index);
        let function = |name: &TokenStream, takes: &TokenStream, gives: TokenStream, by| {
            quote! {
                #above
                pub fn #name(
                    &self,
                    request: impl #runtime::IntoRequest<#takes>,
                ) -> ::core::result::Result<#gives, #runtime::Status> {
                    use #runtime::generated::service::{#codec, #by};
                    #by(&self.channel, &#methods[#index], &#codec, request)
                }
            }
        };
        let nothing = quote!(());
        match rpc.streaming {
            Streaming::None => {
                let pending = parsed(&rpc.pending);
                let waits =
                    function(&name, &request, quote!(#runtime::Response<#reply>), quote!(unary));
                let gives = quote!(#runtime::Pending<#reply>);
                let leaves = function(&pending, &request, gives, quote!(unary_pending));
                quote!(#waits #leaves)
            }
            Streaming::Server => {
                let gives = quote!(#runtime::ReplyStream<#reply>);
                function(&name, &request, gives, quote!(server_streaming))
            }
            Streaming::Client => {
                let gives = quote!(#runtime::RequestSink<#request, #reply>);
                function(&name, &nothing, gives, quote!(client_streaming))
            }
            Streaming::Both => {
                let gives = quote!(#runtime::BidiStream<#request, #reply>);
                function(&name, &nothing, gives, quote!(bidirectional))
            }
        }
    }
}

/// The arm of the server's dispatch for one rpc. The function is named by its trait's parameter: a
/// method of `Arc`, such as `clone`, would otherwise be found first.
fn arm(service: &Service, codec: &TokenStream, index: usize, rpc: &Rpc) -> TokenStream {
    let (parameter, name) = (parsed(service.parameter), parsed(&rpc.name));
    let index = Literal::usize_unsuffixed(index);
    let (shape, arguments) = match rpc.streaming {
        Streaming::None => (quote!(unary), quote!(request, context)),
        Streaming::Server => (quote!(server_streaming), quote!(request, replies, context)),
        Streaming::Client => (quote!(client_streaming), quote!(requests, context)),
        Streaming::Both => (quote!(bidirectional), quote!(requests, replies, context)),
    };
    quote! {
        #index => call.#shape(&#codec, |#arguments| {
            #parameter::#name(&self.service, #arguments)
        }),
    }
}
