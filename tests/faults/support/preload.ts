/**
 * `node --import …/preload.ts PROGRAM`, with a fault plan in TEST_FAULTS: the program's failpoints do
 * what the plan says. It reaches the source's module and no other: a bundle has a copy of its own.
 */
import { installFaults } from './fault-plan.ts'

const plan = process.env['TEST_FAULTS']
if (plan !== undefined) installFaults(plan)
