//! The program of `surveyd fake`.

use std::{future::ready, rc::Rc, sync::Arc};

use actix_web::web::{ServiceConfig, ThinData};

use super::{disconnect, middleware, routes, tenants::WorkerTenants, worlds::Worlds};
use crate::{
    answers::Answers,
    http::state::ConsoleInfo,
    server::program::{Program, Worker},
};

impl Worlds {
    /// The program that serves these worlds, and answers the vendor's calls in this way.
    pub(crate) fn program(&self, answers: Arc<Answers>) -> Program {
        let (of_workers, of_waits, of_close) = (self.clone(), self.clone(), self.clone());
        let token = self.is_on_loopback().then_some("test-admin");
        Program {
            worker: Arc::new(move || worker(&of_workers)),
            middleware: |request, next| Box::pin(middleware::run(request, next)),
            on_connect: disconnect::remember,
            metrics: None,
            throttles: None,
            console: ConsoleInfo::new(true, token, None),
            answers,
            end_waits: Arc::new(move || of_waits.all().iter().for_each(|world| world.database.end_waits())),
            // Its files are in memory, or on the disk of the machine that tests.
            is_idle: Arc::new(|| Box::pin(ready(true))),
            close: Arc::new(move || of_close.close()),
        }
    }
}

fn worker(worlds: &Worlds) -> Worker {
    let tenants = WorkerTenants::new(worlds.clone());
    let resolver = Rc::new(tenants.clone());
    let routes = Box::new(move |config: &mut ServiceConfig| {
        config.app_data(ThinData(tenants.worlds().clone())).app_data(ThinData(tenants));
        routes::table().register(config);
    });
    Worker { resolver, routes }
}
