//! The table of the routes that every program has. `monitoring/endpoints.rs` and `fake/routes.rs` have the others.

use actix_web::{Route, http::Method, web::ServiceConfig};

use super::{
    admin::{self, deliveries, events, history, people, statistics, status, tokens},
    api::{self, LOGIN, SEND},
    monitoring::{LIVEZ, READYZ, endpoints},
    pages::{console, openapi},
    responses::Empty,
    route_table::{Table, at, delete, get, no_other, patch, post, put},
};
use crate::{
    store::directory::DirectoryRow,
    survey::model::{Channel, Client, Form, Thread},
};

/// Registers the routes that every program has.
pub(crate) fn register(routes: &mut ServiceConfig) {
    table().register(routes);
    no_other(routes);
}

/// Every route that every program has.
pub(crate) fn table() -> Table {
    let mut table = Table::default();
    let routes = &mut table;
    at(routes, "/", [get(console::page)]);
    at(routes, "/console.json", [get(console::info)]);
    at(routes, "/console/{asset}", [get(console::asset)]);
    at(routes, LIVEZ, [get(|| async { Empty::OK })]);
    at(routes, READYZ, [get(endpoints::readyz)]);
    openapi::routes(routes);
    at(routes, SEND, [post(api::send::send)]);
    at(routes, LOGIN, [post(api::login::log_in)]);
    at(routes, "/api/v1/quality", [post(api::forms::put_form)]);
    at(routes, "/api/v1/threads", [get(api::threads::threads)]);
    at(routes, "/api/v1/threads/{id}", [get(api::threads::thread)]);
    at(routes, "/api/v1/clients/short-info", [post(api::clients::short_info)]);
    at(routes, "/admin/status", [get(status::status)]);
    at(routes, "/admin/settings", [get(admin::settings), patch(admin::change_settings)]);
    entries::<Channel>(routes, get(admin::list::<Channel>), delete(admin::delete::<Channel>));
    entries::<Client>(routes, get(people::clients), delete(admin::erasure::delete_client));
    entries::<Thread>(routes, get(people::threads), delete(admin::delete::<Thread>));
    entries::<Form>(routes, get(admin::list::<Form>), delete(admin::delete::<Form>));
    at(routes, "/admin/forms/{id}/channels/{channelId}", [put(admin::enable), delete(admin::disable)]);
    at(routes, "/admin/channels/{id}/ping", [post(deliveries::ping)]);
    at(routes, "/admin/channels/{id}/retry", [post(deliveries::retry_all)]);
    at(routes, "/admin/channels/{id}/rotate", [post(deliveries::rotate)]);
    at(routes, "/admin/deliveries", [get(deliveries::list)]);
    at(routes, "/admin/deliveries/counts", [get(deliveries::counts)]);
    at(routes, "/admin/deliveries/{id}/retry", [post(deliveries::retry)]);
    at(routes, "/admin/sends", [get(history::sends)]);
    at(routes, "/admin/audit", [get(history::audit)]);
    at(routes, "/admin/tokens", [get(tokens::list), post(tokens::create)]);
    at(routes, "/admin/tokens/{id}", [delete(tokens::revoke)]);
    at(routes, "/admin/tokens/{id}/rotate", [post(tokens::rotate)]);
    at(routes, "/admin/stats", [get(statistics::statistics)]);
    at(routes, "/admin/refusals", [get(statistics::refusals)]);
    at(routes, "/admin/attempts", [get(history::attempts)]);
    at(routes, "/admin/events", [get(events::events)]);
    at(routes, "/admin/explain", [post(history::explain)]);
    table
}

/// The routes of one kind of row, such as clients.
fn entries<E: DirectoryRow>(routes: &mut Table, list: (Method, Route), delete: (Method, Route)) {
    at(routes, &format!("/admin/{}", E::LIST), [list]);
    at(routes, &format!("/admin/{}/{{id}}", E::LIST), [get(admin::read::<E>), put(admin::put::<E>), delete]);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::{fake, http::monitoring::endpoints};

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let tables = [table(), endpoints::table(), fake::table()];
        let routes: BTreeSet<_> =
            tables.iter().flat_map(Table::list).map(|(method, path)| format!("{method} {path}")).collect();
        let document: Value = serde_json::from_str(openapi::DOCUMENT).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let described: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, methods)| methods.as_object().expect("methods").keys().map(move |method| (method, path)))
            .map(|(method, path)| format!("{} {path}", method.to_uppercase()))
            .collect();
        assert_eq!(described, routes);
    }
}
