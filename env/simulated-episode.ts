// Saving, restoring and rendering an episode at any moment, which only a simulator allows. On hardware these throw, with the
// same errors in all environments of scheduling.
import { didYouMean, InputError } from '../base/errors/input-error.js';
import type { Timeline } from '../engine/trace.js';
import { ganttSvg } from '../engine/views/gantt.js';
import { timelineText } from '../engine/views/timeline-text.js';
import type { OperatorGraph } from '../models/graph.js';
import type { EnvState, Guarantees } from './gym/env.js';

/** An environment of episodes that may be simulated: those of a simulator are restorable. */
interface EpisodeEnv {
  readonly id: string;
  readonly guarantees: Guarantees;
  readonly renderModes: readonly string[];
}

/** `ansi`, lines of text; `svg`, a Gantt chart; none on hardware. */
export function renderModesOf({ restorable }: Guarantees): readonly string[] {
  return restorable ? ['ansi', 'svg'] : [];
}

/** What has been executed so far, and how far that is. */
export interface Scene {
  readonly graph: OperatorGraph;
  readonly title: string;
  readonly trace: Timeline;
}

/**
 * An episode drawn as it stands.
 * @param scene null before the first reset
 * @throws InputError when the mode is unknown (on hardware each: draw the trace of the last info), or before reset()
 */
export function renderEpisode({ id, renderModes }: EpisodeEnv, mode: string, scene: () => Scene | null): string {
  if (!renderModes.includes(mode))
    throw new InputError(
      `${id}: there is no render mode "${mode}".`,
      renderModes.length > 0 ? didYouMean(mode, renderModes) : 'On hardware draw info.trace with ganttSvg().',
    );
  const seen = scene();
  if (seen === null) throw new InputError(`${id}: render() was called before reset().`, 'Call reset() first.');
  const { graph, title, trace } = seen;
  return mode === 'svg' ? ganttSvg(graph, [{ title, trace }], { legend: 'all' }) : `${title}\n${timelineText(trace)}`;
}

/** @throws InputError when the episode runs on hardware */
export function requireSimulated({ id, guarantees }: Pick<EpisodeEnv, 'id' | 'guarantees'>): void {
  if (guarantees.restorable) return;
  throw new InputError(
    `${id}: an execution on hardware cannot be saved or put back: time has passed.`,
    'Use the simulator, or replay the actions from reset().',
  );
}

/** The identity of an environment's states: its graph, and how it presents the scenario. */
export function originOf({ graph, options }: { graph: OperatorGraph; options: EnvState }): EnvState {
  return { graphHash: graph.hash, options: { ...options } };
}

/**
 * @param origin part of each of the environment's own states
 * @throws InputError when the episode runs on hardware, or that part of the state is another
 */
export function requireOrigin(env: Pick<EpisodeEnv, 'id' | 'guarantees'>, state: EnvState, origin: EnvState): void {
  requireSimulated(env);
  const describe = (each: EnvState) =>
    Object.keys(origin).map((key) => `${key} ${typeof each[key] === 'string' ? each[key] : JSON.stringify(each[key])}`);
  const [given, own] = [state, origin].map((each) => describe(each).join(', '));
  if (given === own) return;
  throw new InputError(
    `${env.id}: the state is of ${given}, not ${own}.`,
    'Restore into an environment made with the same options.',
  );
}

/** The error of `step` and others when no episode is in progress. */
export function noEpisode(id: string, call: string): InputError {
  return new InputError(`${id}: ${call} was called without an episode under way.`, 'Call reset() first.');
}
