import type { EventEnvelope } from '@corral/contracts';
import { formatBytes, formatDuration } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import { countsOf } from './reload-text.js';

/** One event as a line: when, what, about what, where, why. Of a type that is not known, only when and what. */
export function eventLine(event: EventEnvelope, isKnown: boolean, colors: Colors): string {
  const about = isKnown ? aboutOf(event) : [];
  return [colors.dim(event.time), event.type.padEnd(24), ...about.filter((part) => part !== '')].join('  ').trimEnd();
}

function aboutOf(event: EventEnvelope): readonly string[] {
  switch (event.type) {
    case 'orchestrator.load':
    case 'orchestrator.unload': {
      const { org_id, instance_id, target, wanted, source, reason } = event.data;
      return [`${org_id}/${instance_id}`, `${target.node_id}/${target.pool_id}`, `${wanted} (${source})`, reason];
    }
    case 'pool.ready':
    case 'pool.unready':
      return [event.data.pool_id, event.data.last_error ?? ''];
    case 'orchestrator.reload_succeeded': {
      const { source, summary, duration_ms } = event.data;
      return [source, countsOf(summary), `after ${formatDuration(duration_ms)}`];
    }
    case 'orchestrator.reload_failed':
      return [event.data.source, event.data.error];
    case 'catalog.model_registered':
      return [event.data.model.model_id, event.data.node_id];
    case 'catalog.model_deleted':
      return [event.data.model_id, event.data.node_id, event.data.rule, `${formatBytes(event.data.freed_bytes)} freed`, event.data.error ?? ''];
    case 'catalog.state_changed': {
      const { to } = event.data;
      return [event.data.model_id, event.data.node_id, to.pinned ? `${to.state}, pinned` : to.state];
    }
    case 'catalog.intent_registered':
    case 'catalog.intent_changed':
    case 'catalog.intent_deleted': {
      const { model_id, to, changed, actor } = event.data;
      return [model_id, to === null ? '' : to.pinned ? `${to.state}, pinned` : to.state, changed.join(', '), `by ${actor}`];
    }
    case 'catalog.engine_used':
    case 'catalog.engine_rejected':
      return [event.data.engine_id, `${event.data.node_id}/${event.data.device_kind}`, event.data.reason ?? ''];
    default: {
      const { org_id, instance_id, node_id, pool_id, duration_ms, last_error, reason } = event.data;
      return [`${org_id}/${instance_id}`, `${node_id}/${pool_id}`, duration_ms === null ? '' : `after ${formatDuration(duration_ms)}`, last_error ?? reason ?? ''];
    }
  }
}
