// Registers every environment: whoever offers them by id imports this.
import './branches-options.js';
import './placement-options.js';
import './share-options.js';
import './stream/register.js';
