/** Paths of PG&E's Share My Data (utility.md; domain.md 1). */
export const basePath = '/GreenButtonConnect/espi/1_1/resource'
export const tokenPath = '/datacustodian/oauth/v2/token'
export const testTokenPath = '/datacustodian/test/oauth/v2/token'
