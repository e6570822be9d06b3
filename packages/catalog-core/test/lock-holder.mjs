// Opens a catalog, says how that went, and keeps it open until its channel closes.
import { openCatalog } from '../dist/fs/index.js';

process.once('disconnect', () => process.exit(0));
try {
  await openCatalog(process.argv[2]);
  process.send('open');
} catch (error) {
  process.send(error.code);
}
