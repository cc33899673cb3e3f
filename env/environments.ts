// Registers every environment: import this to make them by id.
import './branches/branches-options.js';
import './placement/placement-options.js';
import './share/share-options.js';
import './stream/register.js';
