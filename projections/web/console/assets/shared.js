// The worker that the pages of one browser share.
import {hello, goodbye} from './feed.js';

onconnect = ({ports: [page]}) => {
  page.onmessage = ({data}) => (data === 'goodbye' ? goodbye : hello)(page);
};
