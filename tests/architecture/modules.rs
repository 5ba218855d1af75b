//! The modules of `src`, parsed: what each file imports, through aliases and re-exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, File, ImplItem, Item, ItemMod, Path as SynPath, UseTree, Visibility,
    visit::{self, Visit},
};

/// Every file of `src`, by its module path: `crate`, `crate::store`, `crate::store::audit`, …
pub struct Modules {
    /// The modules that each one imports.
    pub imports: BTreeMap<String, BTreeSet<String>>,
    /// The paths into other crates that each one has.
    pub crates: BTreeMap<String, BTreeSet<String>>,
}

/// One parsed file.
struct Source {
    /// Names in scope, and the full paths that they stand for.
    names: BTreeMap<String, String>,
    /// Every path in the file, as it is written.
    paths: Vec<Vec<String>>,
    /// Names that are defined here.
    defined: BTreeSet<String>,
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn parse_all() -> BTreeMap<String, File> {
    let mut parsed = BTreeMap::new();
    for path in super::files(&root(), "rs") {
        let relative = path.strip_prefix(root()).unwrap().with_extension("");
        let mut parts: Vec<_> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if ["mod", "lib"].contains(&parts.last().unwrap().as_str()) {
            parts.pop();
        }
        if parts == ["main"] {
            continue;
        }
        parts.insert(0, "crate".to_owned());
        parsed.insert(parts.join("::"), syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
    }
    parsed
}

/// Whether an item is for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

/// Collects the paths of a file.
struct Collector<'a> {
    module: &'a str,
    source: Source,
    /// The files that are modules for tests.
    test_modules: &'a mut BTreeSet<String>,
}

impl Collector<'_> {
    fn add_use(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_use(&with(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.add_use(prefix, item)),
            UseTree::Name(name) if name.ident == "self" => self.add_name(prefix.last().unwrap(), prefix),
            UseTree::Name(name) => self.add_name(&name.ident.to_string(), &with(&name.ident)),
            UseTree::Rename(rename) if rename.ident == "self" => self.add_name(&rename.rename.to_string(), prefix),
            UseTree::Rename(rename) => self.add_name(&rename.rename.to_string(), &with(&rename.ident)),
            UseTree::Glob(_) => self.source.paths.push(self.absolute(prefix)),
        }
    }

    fn add_name(&mut self, name: &str, path: &[String]) {
        let path = self.absolute(path);
        self.source.names.insert(name.to_owned(), path.join("::"));
        self.source.paths.push(path);
    }

    /// A path without `self` and `super` at its beginning.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut module: Vec<String> = self.module.split("::").map(str::to_owned).collect();
        match path[0].as_str() {
            "self" => [module, path[1..].to_vec()].concat(),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                module.truncate(module.len() - ups);
                [module, path[ups..].to_vec()].concat()
            }
            _ => path.to_vec(),
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Use(item) => {
                if !is_test(&item.attrs) {
                    let before = self.source.paths.len();
                    self.add_use(&[], &item.tree);
                    // A re-export leads to its definition; it is no import of its own.
                    if !matches!(item.vis, Visibility::Inherited) {
                        self.source.paths.truncate(before);
                    }
                }
                return;
            }
            Item::Mod(ItemMod { attrs, ident, .. }) if is_test(attrs) => {
                self.test_modules.insert(format!("{}::{ident}", self.module));
                return;
            }
            Item::Mod(ItemMod { ident, content: None, .. }) => {
                self.source.names.insert(ident.to_string(), format!("{}::{ident}", self.module));
                return;
            }
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Impl(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        if let Some(name) = name {
            self.source.defined.insert(name.to_string());
        }
        visit::visit_item(self, item);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {
        // `pub(crate)` is no import.
    }

    fn visit_path(&mut self, path: &'ast SynPath) {
        let parts: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let parts = self.absolute(&parts);
        self.source.paths.push(parts);
        visit::visit_path(self, path);
    }
}

impl Modules {
    pub fn read() -> Self {
        let (mut sources, mut test_modules) = (BTreeMap::new(), BTreeSet::new());
        for (module, file) in parse_all() {
            let source = Source { names: BTreeMap::new(), paths: Vec::new(), defined: BTreeSet::new() };
            let mut collector = Collector { module: &module, source, test_modules: &mut test_modules };
            collector.visit_file(&file);
            let source = collector.source;
            sources.insert(module, source);
        }
        sources.retain(|module, _| !test_modules.iter().any(|test| module.starts_with(test)));
        let mut modules = Self { imports: BTreeMap::new(), crates: BTreeMap::new() };
        for (module, source) in &sources {
            let (imports, crates) = (modules.imports.entry(module.clone()).or_default(), &mut modules.crates);
            let crates = crates.entry(module.clone()).or_default();
            for path in &source.paths {
                let full = resolve(source, path.join("::"));
                if full.starts_with("crate") {
                    let target = define(&sources, &full);
                    imports.extend(target.filter(|target| target != module));
                } else if path.len() > 1 && full.starts_with(|first: char| first.is_lowercase()) {
                    crates.insert(full);
                }
            }
        }
        modules
    }
}

/// The top-level module of a module: `store` for `crate::store::audit`.
pub fn top_level(module: &str) -> &str {
    module.split("::").nth(1).unwrap_or_default()
}

/// A path whose first part is the crate's root or the name of another crate.
fn resolve(source: &Source, path: String) -> String {
    let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
    match source.names.get(first) {
        Some(full) if first != "crate" && full.split("::").next() != Some(first) => {
            resolve(source, if rest.is_empty() { full.clone() } else { format!("{full}::{rest}") })
        }
        _ => path,
    }
}

/// The module whose file defines what a path names: re-exports are followed.
fn define(sources: &BTreeMap<String, Source>, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split("::").collect();
    let length = (1..=parts.len()).rev().find(|length| sources.contains_key(&parts[..*length].join("::")))?;
    let module = parts[..length].join("::");
    let (Some(name), source) = (parts.get(length), &sources[&module]) else { return Some(module) };
    match source.names.get(*name) {
        Some(other) if !source.defined.contains(*name) && other != path && other.starts_with("crate") => {
            define(sources, other)
        }
        _ => Some(module),
    }
}

/// Every item of the store whose type names a connection, with its visibility.
pub fn visibilities_of_connections() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (module, file) in parse_all().into_iter().filter(|(module, _)| module.starts_with("crate::store")) {
        let mut add = |name: String, visibility: &Visibility, names: bool| {
            if names {
                found.push((module.clone(), name, text(visibility)));
            }
        };
        for item in &file.items {
            match item {
                Item::Fn(item) => {
                    add(item.sig.ident.to_string(), &item.vis, names_connection(|v| v.visit_signature(&item.sig)));
                }
                Item::Type(item) => {
                    add(item.ident.to_string(), &item.vis, names_connection(|v| v.visit_type(&item.ty)));
                }
                Item::Use(item) => add("use".to_owned(), &item.vis, imports_connection(&item.tree)),
                Item::Struct(item) => {
                    for field in &item.fields {
                        let name = field.ident.as_ref().map_or_else(|| "0".to_owned(), ToString::to_string);
                        add(
                            format!("{}.{name}", item.ident),
                            &field.vis,
                            names_connection(|v| v.visit_type(&field.ty)),
                        );
                    }
                }
                Item::Impl(item) if item.trait_.is_none() => {
                    for item in &item.items {
                        if let ImplItem::Fn(item) = item {
                            let names = names_connection(|v| v.visit_signature(&item.sig));
                            add(item.sig.ident.to_string(), &item.vis, names);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    found
}

fn text(visibility: &Visibility) -> String {
    match visibility {
        Visibility::Inherited => String::new(),
        Visibility::Public(_) => "pub".to_owned(),
        Visibility::Restricted(restricted) => {
            let path: Vec<_> = restricted.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            format!("pub({})", path.join("::"))
        }
    }
}

/// Looks for a type of that name.
struct NamesConnection(bool);

impl Visit<'_> for NamesConnection {
    fn visit_path_segment(&mut self, segment: &syn::PathSegment) {
        self.0 |= ["Connection", "Transaction", "Row", "Statement"].contains(&segment.ident.to_string().as_str());
        visit::visit_path_segment(self, segment);
    }
}

fn names_connection(walk: impl FnOnce(&mut NamesConnection)) -> bool {
    let mut visitor = NamesConnection(false);
    walk(&mut visitor);
    visitor.0
}

fn imports_connection(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => path.ident == "rusqlite" || imports_connection(&path.tree),
        UseTree::Group(group) => group.items.iter().any(imports_connection),
        _ => false,
    }
}
