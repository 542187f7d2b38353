// The same for a user whose file is CommonJS.
import client = require('nexadb-client');

export async function use(): Promise<number> {
  const db = new client.NexaDB({ url: 'http://127.0.0.1:6969' });
  const names: string[] = await db.listCollections();
  // @ts-expect-error there is no such call
  db.listCollection();
  return names.length;
}
