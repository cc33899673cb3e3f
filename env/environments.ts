// Registers every environment: whoever offers them by id imports this.
import './branches/branches-options.js';
import './placement/placement-options.js';
import './share/share-options.js';
import './stream/register.js';
