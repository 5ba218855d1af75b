//! HTTP: everything that knows actix, and nothing that knows SQL.
//!
//! A request passes [`connection`], [`finalize`], [`middleware`], [`auth`] and [`request_body`] on its way to its handler in
//! [`api`] or [`admin`]; [`routes`] is the one table of them.

pub(crate) mod admin;
pub(crate) mod api;
pub(crate) mod attempts;
pub(crate) mod auth;
mod calibration;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod failure;
pub(crate) mod finalize;
pub(crate) mod middleware;
pub(crate) mod monitoring;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod query;
pub(crate) mod request_body;
pub(crate) mod responses;
pub(crate) mod route_table;
pub(crate) mod routes;
pub(crate) mod state;
pub(crate) mod tenant;
