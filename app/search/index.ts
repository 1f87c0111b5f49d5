export { Catalogue } from './catalogue.ts'
export type { CatalogueEntry, CataloguePage, CatalogueQuery, PublisherSet } from './catalogue.ts'
