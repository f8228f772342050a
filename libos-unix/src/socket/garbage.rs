//! Sockets that only sockets hold: they travel in messages that nobody can receive any more, because whoever could travels with them.

use super::connect::Names;
use super::{Socket, State};
use crate::file::Description;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// A socket that may be one of these: all who hold its description are messages.
struct Suspect {
    description: Rc<Description>,
    /// References to it from others that are suspected.
    inside: usize,
    innocent: bool,
}

impl Suspect {
    fn socket(&self) -> Option<&Socket> {
        self.description.as_kind()
    }
}

/// The descriptions in a socket's messages, and in those of sockets that wait to be accepted.
fn contents(socket: &Socket, visit: &mut dyn FnMut(&Rc<Description>)) {
    socket.inbox.borrow().iter().flat_map(|message| &message.ancillary.files).for_each(&mut *visit);
    if let State::Listening(_, waiting) = &*socket.state.borrow() {
        waiting.iter().for_each(|each| contents(each, visit));
    }
}

impl Names {
    /// Notes the sockets among files that are sent.
    pub fn note_travellers(&self, files: &[Rc<Description>]) {
        let sockets = files.iter().filter(|file| file.as_kind::<Socket>().is_some());
        let mut travellers = self.travellers.borrow_mut();
        for socket in sockets {
            if travellers.len() >= travellers.capacity() {
                travellers.retain(|each| each.strong_count() != 0);
            }
            travellers.push(Rc::downgrade(socket));
        }
    }

    /// Closes sockets that nobody can reach any more. To be called when a description of a socket was closed.
    pub fn collect(&self) {
        if self.travellers.borrow().is_empty() {
            return;
        }
        let mut suspects: Vec<Suspect> = Vec::new();
        self.travellers.borrow_mut().retain(|each| {
            let Some(description) = each.upgrade() else { return false };
            let in_flight = description.as_kind::<Socket>().map_or(0, |socket| socket.in_flight.get());
            let known = suspects.iter().any(|suspect| Rc::ptr_eq(&suspect.description, &description));
            if in_flight != 0 && !known && Rc::strong_count(&description) == in_flight + 1 {
                suspects.push(Suspect { description, inside: 0, innocent: false });
            }
            in_flight != 0 && !known
        });
        let find = |suspects: &[Suspect], wanted: &Rc<Description>| {
            suspects.iter().position(|suspect| Rc::ptr_eq(&suspect.description, wanted))
        };
        let references = |suspects: &[Suspect], from: usize| {
            let mut found = Vec::new();
            if let Some(socket) = suspects[from].socket() {
                contents(socket, &mut |description| found.extend(find(suspects, description)));
            }
            found
        };
        for from in 0..suspects.len() {
            for to in references(&suspects, from) {
                suspects[to].inside += 1;
            }
        }
        // Whoever somebody else can receive is alive, and so is whatever can be received from him.
        let alive = |suspect: &Suspect| suspect.socket().is_some_and(|socket| socket.in_flight.get() > suspect.inside);
        let mut reached: Vec<usize> = (0..suspects.len()).filter(|&index| alive(&suspects[index])).collect();
        while let Some(index) = reached.pop() {
            if !core::mem::replace(&mut suspects[index].innocent, true) {
                reached.extend(references(&suspects, index));
            }
        }
        let lost: Vec<_> = suspects.iter().filter(|suspect| !suspect.innocent).filter_map(Suspect::socket).collect();
        let messages: Vec<_> = lost.iter().map(|socket| socket.inbox.borrow_mut().take()).collect();
        drop(messages);
    }
}
