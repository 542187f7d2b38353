// A user's file, compiled by TypeScript's own rules for packages (tsc -p test) and never run: what
// the types must allow, and behind each @ts-expect-error what they must refuse.
import { BulkWriteError, type Hit, NexaDB, NexaDBError, type Stored } from 'nexadb-client';

interface User {
  name: string;
  age?: number;
  visits?: bigint;
}

export async function use(): Promise<string> {
  const db = new NexaDB({ host: '127.0.0.1', port: 6969, apiKey: 'k', timeoutMs: 1000, bigint: true });
  const users = db.collection<User>('users');
  const id: string = await users.insert({ name: 'Ada', age: 36, visits: 3n });
  const ids: string[] = await users.insertMany([{ name: 'Bob' }]);
  const found: Stored<User>[] = await users.find({ age: { $gt: 30 } }, 10, { sort: { age: -1 }, fields: ['name'] });
  const one: Stored<User> | null = await users.findById(id);
  const age: number | undefined = one?.age;
  const done: boolean = await users.update(id, { age: 37 });
  const counted: number = await users.count({ age });
  const groups = await users.aggregate<{ _id: null; mean: number }>([{ $group: { _id: null, mean: { $avg: '$age' } } }]);
  const docs = db.vectorCollection<{ title: string }>('docs', 3);
  await docs.insert({ title: 'north' }, new Float32Array(3));
  const hits: Hit<{ title: string }>[] = await docs.search([0, 1, 0], 1, { title: 'north' });
  const loose = db.collection('anything');
  await loose.insert({ whatever: [1, { deep: true }] });
  try {
    await loose.delete(ids[0]);
  } catch (error) {
    if (error instanceof BulkWriteError) return error.documentIds.join();
    if (error instanceof NexaDBError) return `${error.status} ${error.code} ${error.requestId}`;
  }
  // @ts-expect-error a document is an object
  await users.insert('Ada');
  // @ts-expect-error a user has no such field
  await users.update(id, { agee: 37 });
  // @ts-expect-error sorting goes up or down
  await users.find({}, 10, { sort: { age: 2 } });
  // @ts-expect-error findById may find nothing
  one.name;
  // @ts-expect-error a port is a number
  new NexaDB({ port: '6969' });
  return `${found.length} ${done} ${counted} ${groups[0].mean} ${hits[0].document.title} ${hits[0].similarity}`;
}
