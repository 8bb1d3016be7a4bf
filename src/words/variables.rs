//! What each message needs to be told: its variables, and those of the messages it refers to.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

/// Variables by message; of two messages with one name the later counts, as it does for the texts.
pub(super) fn of(resources: &[Arc<FluentResource>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for resource in resources {
        for entry in resource.entries() {
            if let Entry::Message(message) = entry
                && let Some(pattern) = &message.value
            {
                let mut own = Needs::default();
                own.pattern(pattern);
                found.insert(message.id.name.to_owned(), own);
            }
        }
    }
    found.keys().map(|id| (id.clone(), needed(id, &found))).collect()
}

fn needed(id: &str, all: &BTreeMap<String, Needs>) -> BTreeSet<String> {
    let (mut seen, mut variables) = (BTreeSet::new(), BTreeSet::new());
    let mut left = vec![id];
    while let Some(id) = left.pop() {
        if let Some(needs) = all.get(id)
            && seen.insert(id)
        {
            variables.extend(needs.variables.iter().cloned());
            left.extend(needs.messages.iter().map(String::as_str));
        }
    }
    variables
}

#[derive(Default)]
struct Needs {
    variables: BTreeSet<String>,
    messages: BTreeSet<String>,
}

impl Needs {
    fn pattern(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.expression(expression);
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                for variant in variants {
                    self.pattern(&variant.value);
                }
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.variables.insert(id.name.to_owned());
            }
            InlineExpression::MessageReference { id, .. } => {
                self.messages.insert(id.name.to_owned());
            }
            InlineExpression::FunctionReference { arguments, .. } => {
                for one in &arguments.positional {
                    self.inline(one);
                }
            }
            // A term sees only what is handed to it, and that is a literal.
            InlineExpression::TermReference { .. }
            | InlineExpression::StringLiteral { .. }
            | InlineExpression::NumberLiteral { .. } => {}
            InlineExpression::Placeable { expression } => self.expression(expression),
        }
    }
}
