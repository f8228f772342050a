//! Wakeup predicates: checked once, then evaluated in time that their length bounds.

use crate::environment::EnvironmentId;
use crate::machine::Machine;
use exo_abi::capability::rights;
use exo_abi::layout::FRAME_SIZE;
use exo_abi::wakeup::{Instruction, MAX_INSTRUCTIONS, MAX_STACK, operation};

/// A program that has been checked: it never takes from an empty stack, never overfills it, and leaves one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predicate {
    instructions: [Instruction; MAX_INSTRUCTIONS],
    length: usize,
}

impl Predicate {
    /// Checks a program; `None` where it is not well formed.
    pub(crate) fn new(program: &[Instruction]) -> Option<Self> {
        let mut depth = 0_usize;
        for instruction in program {
            match instruction.operation {
                operation::CONSTANT => depth += 1,
                operation::WORD if instruction.operand.is_multiple_of(8) => depth += 1,
                operation::CLOCK if instruction.operand == 0 => depth += 1,
                operation::ADD..=operation::LESS_OR_EQUAL if instruction.operand == 0 && depth >= 2 => depth -= 1,
                _ => return None,
            }
            if depth > MAX_STACK {
                return None;
            }
        }
        let mut instructions = [Instruction::default(); MAX_INSTRUCTIONS];
        instructions.get_mut(..program.len())?.copy_from_slice(program);
        (depth == 1).then_some(Self { instructions, length: program.len() })
    }

    /// The physical addresses that it reads.
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let program = self.instructions[..self.length].iter();
        program.filter(|one| one.operation == operation::WORD).map(|one| one.operand)
    }

    /// Whether the environment may go on.
    pub(crate) fn holds(&self, machine: &mut dyn Machine, id: EnvironmentId) -> bool {
        self.evaluate(machine, id).is_none_or(|value| value != 0)
    }

    fn evaluate(&self, machine: &mut dyn Machine, id: EnvironmentId) -> Option<u64> {
        let mut stack = [0_u64; MAX_STACK];
        let mut depth = 0;
        for &Instruction { operation, operand } in &self.instructions[..self.length] {
            let value = match operation {
                operation::CONSTANT => operand,
                operation::WORD => read(machine, id, operand)?,
                operation::CLOCK => machine.now(),
                _ => {
                    let (first, second) = (stack[depth - 2], stack[depth - 1]);
                    depth -= 2;
                    combine(operation, first, second)
                }
            };
            stack[depth] = value;
            depth += 1;
        }
        Some(stack[0])
    }
}

/// A word that the environment can read; `None` where it cannot (any more).
fn read(machine: &mut dyn Machine, id: EnvironmentId, physical: u64) -> Option<u64> {
    let binding = machine.binding(id.place(), physical / FRAME_SIZE)?;
    if binding.rights & rights::READ == 0 {
        return None;
    }
    let mut word = [0; 8];
    machine.copy_from_frames(physical, &mut word);
    Some(u64::from_le_bytes(word))
}

fn combine(operation: u64, first: u64, second: u64) -> u64 {
    match operation {
        operation::ADD => first.wrapping_add(second),
        operation::SUBTRACT => first.wrapping_sub(second),
        operation::AND => first & second,
        operation::OR => first | second,
        operation::EXCLUSIVE_OR => first ^ second,
        operation::EQUAL => u64::from(first == second),
        operation::NOT_EQUAL => u64::from(first != second),
        operation::LESS => u64::from(first < second),
        _ => u64::from(first <= second),
    }
}
