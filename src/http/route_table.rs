//! A table of routes, before it is registered with actix.

use actix_web::{
    FromRequest, Handler, Responder, Route, guard,
    http::Method,
    web::{self, ServiceConfig},
};

use super::{failure::Failure, monitoring::metrics::Counts};

/// Paths and their methods, before they are registered with actix, which does not list its routes: tests read them here.
#[derive(Default)]
pub(crate) struct Table(Vec<(String, Vec<(Method, Route)>)>);

impl Table {
    #[cfg(test)]
    pub(crate) fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(path, methods)| methods.iter().map(|(method, _)| (method.as_str(), path.as_str())))
    }

    /// Registers them; any other method of a path answers 405 with the allowed methods.
    pub(crate) fn register(self, routes: &mut ServiceConfig) {
        for (path, methods) in self.0 {
            let allow = methods.iter().map(|(method, _)| allowed(method)).collect::<Vec<_>>().join(", ");
            let mut resource = web::resource(&path).app_data(Counts::of(&path));
            for (_, route) in methods {
                resource = resource.route(route);
            }
            routes.service(resource.default_service(web::to(move || {
                let failure = Failure::MethodNotAllowed(allow.clone());
                async move { Err::<&str, _>(failure) }
            })));
        }
    }
}

/// The methods that a route of `method` takes, as `Allow` lists them.
fn allowed(method: &Method) -> &str {
    if *method == Method::GET { "GET, HEAD" } else { method.as_str() }
}

/// Answers 404 on every other path.
pub(crate) fn no_other(routes: &mut ServiceConfig) {
    routes.default_service(web::to(|| async { Err::<&str, _>(Failure::NoSuchPath) }));
}

/// Adds a path and its methods.
pub(crate) fn at<const N: usize>(routes: &mut Table, path: &str, methods: [(Method, Route); N]) {
    routes.0.push((path.to_owned(), methods.into()));
}

/// A route of `GET`, which takes `HEAD`, too: the handler does not see the difference, and no body is written.
pub(crate) fn get<F, Args>(handler: F) -> (Method, Route)
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    (Method::GET, web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler))
}

/// Declares a function for each other method: `post(handler)` and so on.
macro_rules! methods {
    ($($name:ident $method:ident),+) => {$(
        pub(crate) fn $name<F, Args>(handler: F) -> (Method, Route)
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            (Method::$method, web::$name().to(handler))
        }
    )+};
}

methods!(post POST, put PUT, patch PATCH, delete DELETE);
