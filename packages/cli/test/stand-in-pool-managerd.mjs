import { standIn } from './stand-in.mjs';

standIn('pool-managerd', 'POOL_MANAGERD_ADDR', () => null);
