// The rules of the schema. Run from the project's root (`npm run lint` does), because eslint looks below its own directory only.
import plugin from '@graphql-eslint/eslint-plugin';

const recommended = plugin.configs['flat/schema-recommended'].rules;
const relay = plugin.configs['flat/schema-relay'].rules;
const [, names] = recommended['@graphql-eslint/naming-convention'];
const objects = 'ObjectTypeDefinition,ObjectTypeExtension';

export default [
  {
    files: ['graph/*.graphqls'],
    plugins: { '@graphql-eslint': plugin },
    languageOptions: {
      parser: plugin.parser,
      parserOptions: { graphQLConfig: { schema: 'graph/*.graphqls' } },
    },
    rules: {
      ...recommended,
      ...relay,
      // The recommended names, and no field that begins with get: fields are nouns, mutations verbs of the domain.
      // The catalogue's three kinds of type are called so by the clouds, as are their codes.
      '@graphql-eslint/naming-convention': [
        'error',
        {
          ...names,
          FieldDefinition: { style: 'camelCase', forbiddenPrefixes: ['get'] },
          [objects]: { ...names[objects], style: 'PascalCase', ignorePattern: '^(Service|Resource|Usage)Type$' },
        },
      ],
      '@graphql-eslint/require-description': [
        'error',
        { types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true, DirectiveDefinition: true, rootField: true },
      ],
      // Most descriptions are one line; the rule knows one style only, and inline reads better in the files.
      '@graphql-eslint/description-style': ['error', { style: 'inline' }],
      // Values and wrappers have no identity: giving a Money or a Balance an id would make clients cache by it.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        { exceptions: { types: [
            'Money',
            'StepUp',
            'PageInfo',
            'BankAccount',
            'BankCard',
            'WithdrawalEligibility',
            'WithdrawalBlocker',
            'RechargeOption',
            'RechargeOptions',
            'Balance',
            'BalanceAccount',
            'BalanceAlert',
            'PastBalance',
            'OwnerBalance',
            'OrderHold',
            'RefundInfo',
            'UnsubscribeBreakdown',
            'FieldChange',
            'ItemError',
            'ResellerUpgradeEligibility',
            'UpgradeBlocker',
            'ResourceResult',
            'CouponLimits',
            'CouponWhitelist',
            'CouponQuotaResult',
            'CouponQuotaReclaim',
            'CouponIssueResult',
            'CouponReclaimResult',
            'UsageResult',
            'RefusedUsageRow',
            'IncentiveTier',
            'PayoutStatement',
            'PayoutInvoice',
            'PayoutPreference',
            'CapabilityTag',
            'PartnerCapability',
            'BenefitBlocker',
            'BenefitStanding',
            'CapabilityUplift',
            'MarketFundUse',
            'BenefitProof',
            'OpportunityIncentive',
            'MdfCap',
            'MdfBudget',
            'ConsumptionSum',
            'PerformanceSum',
            'GoLiveStep',
            'InterfaceContact',
            'AttachmentBucket',
            'VerificationAttachment',
            'VerifiedPerson',
            'AttributeMapping',
            'SignedBindNotification',
            'TestReport',
            'TestCheck',
            'TestAttribute',
            'NewCustomerTag',
            'CustomerFreeze',
            'AccountManager',
            'CustomerContact',
            'CustomerBudget',
            'ServiceProviderAttribute',
            'MetadataFinding',
            'RelationBlocker',
            'AssociationEligibility',
            'InvitationFailure',
            'InvitationOffer',
            'InvitationPreview',
            'AvailabilityZone',
            'QuoteLine',
            'QuoteLineChange',
            'QuoteOffer',
            'ProductProblem',
            'Viewer',
          ], suffixes: ['Connection', 'Edge', 'Payload'] } },
      ],
      // Not every list is a connection: those with a small fixed bound (an order's items, scopes) are plain lists, and a
      // connection's nodes is the short form that clients like. What can pass 50 rows is a connection.
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
      // Instead of require-deprecation-date, which wants an argument that the standard's @deprecated does not have: the reason
      // says until when, such as "Use items; gone after 2027-06-30."
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Directive[name.value=deprecated]:not(:has(Argument[name.value=reason] > StringValue[value=/\\b20\\d\\d-[01]\\d-[0-3]\\d\\b/]))',
          message: 'The reason of a deprecation says until when, as YYYY-MM-DD.',
        },
      ],
      '@graphql-eslint/no-scalar-result-type-on-mutation': 'error',
      '@graphql-eslint/input-name': ['error', { checkInputType: true, checkQueries: false, caseSensitiveInputType: false }],
    },
  },
];
