// Medplum's memory repository with the three things that an EHR has and it lacks: rollback, pages, bare references.

import { globalSchema, validateResource } from '@medplum/core';
import { MemoryRepository } from '@medplum/fhir-router';

const PAGE = 20;
const LARGEST_PAGE = 200;

export class Repository extends MemoryRepository {
  #inTransaction = false;

  constructor(base) {
    super();
    this.base = base;
  }

  async createResource(resource, options) {
    validateResource(resource);
    return super.createResource(resource, options);
  }

  // Conditional creates nest inside a transaction: the outermost one answers for all of it.
  async withTransaction(work) {
    if (this.#inTransaction) {
      return work(undefined);
    }
    const before = [copyOf(this.resources, (one) => one), copyOf(this.history, (versions) => [...versions])];
    this.#inTransaction = true;
    try {
      return await work(undefined);
    } catch (problem) {
      restore(this.resources, before[0]);
      restore(this.history, before[1]);
      throw problem;
    } finally {
      this.#inTransaction = false;
    }
  }

  async search(request) {
    const filters = (request.filters ?? []).map((filter) => this.#withTypes(request.resourceType, filter));
    const offset = request.offset ?? 0;
    const count = Math.min(request.count ?? PAGE, LARGEST_PAGE);
    const found = await super.search({ ...request, filters, offset, count });
    const entry = (found.entry ?? []).map(({ resource }) => ({
      fullUrl: `${this.base}/${resource.resourceType}/${resource.id}`,
      resource,
      search: { mode: 'match' },
    }));
    return { ...found, entry: entry.length ? entry : undefined, more: offset + count < found.total, next: offset + count };
  }

  // Medplum compares references as they are written, "Patient/1"; clients may also say just "1".
  #withTypes(type, filter) {
    const parameter = globalSchema.types[type]?.searchParams?.[filter.code];
    if (parameter?.type !== 'reference' || filter.operator === 'missing') {
      return filter;
    }
    const targets = filter.code === 'patient' ? ['Patient'] : parameter.target ?? [];
    const whole = (one) => (one.includes('/') ? [one.replace(`${this.base}/`, '')] : targets.map((t) => `${t}/${one}`));
    return { ...filter, value: filter.value.split(',').flatMap(whole).join(',') };
  }
}

function copyOf(store, copy) {
  const inner = (byId) => new Map([...byId].map(([id, value]) => [id, copy(value)]));
  return new Map([...store].map(([type, byId]) => [type, inner(byId)]));
}

function restore(store, before) {
  store.clear();
  before.forEach((byId, type) => store.set(type, byId));
}
