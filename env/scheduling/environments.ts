// Registers every environment: whoever offers them by id imports this.
import './placement-options.js';
import './share-options.js';
