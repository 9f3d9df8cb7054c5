//! The response codes, in groups of one meaning. The first part holds what a request for a calendar can meet, the second what notifications can
//! meet, the third what only operations know that are never sent from here. The third part says whose fault such a code would be, no more.

use optigov_calendar::{Origin, ReadErrorKind};

use super::{CodeMeaning, Retry};

/// Codes that mean the same.
pub(super) struct Group {
    pub(super) meaning: CodeMeaning,
    pub(super) codes: &'static [&'static str],
}

macro_rules! groups {
    ($(($kind:ident, $origin:ident, $retry:ident): $($code:ident)+;)+) => {
        &[$(Group {
            meaning: CodeMeaning { kind: ReadErrorKind::$kind, origin: Origin::$origin, retry: Retry::$retry },
            codes: &[$(stringify!($code)),+],
        }),+]
    };
}

pub(super) static GROUPS: &[Group] = groups! {
    // ---- Requests for a calendar: this mailbox ----
    //
    // No mailbox has this address, user principal name or SID. The first four are the usual answers to impersonation and free/busy.
    // `ErrorInvalidMailbox` is documented for distribution lists only, and is said of a `t:Mailbox` element that names no mailbox.
    (MailboxNotFound, Mailbox, No):
        ErrorNonExistentMailbox ErrorCannotFindUser ErrorMailRecipientNotFound ErrorInvalidSmtpAddress
        ErrorInvalidMailbox ErrorInvalidSid ErrorInvalidUserPrincipalName ErrorInvalidUserSid
        ErrorInvalidUserSidMissingUPN ErrorNameResolutionNoResults ErrorRecipientNotFound;
    // The mailbox has another primary address, which the answer names.
    (NotPrimaryAddress, Mailbox, No):
        ErrorNonPrimarySmtpAddress;
    // The mailbox is switched off, or its user has no licence: that lasts until somebody changes it.
    (MailboxUnavailable, Mailbox, No):
        ErrorAccountDisabled ErrorInvalidLicense;
    // The mailbox's database is away or overloaded, or the mailbox moves to another one: it comes back by itself, while other databases
    // are not affected at all. Microsoft names "overloaded" among the reasons of the first, which is still one database and no throttling.
    (MailboxUnavailable, Mailbox, Gently):
        ErrorMailboxStoreUnavailable ErrorMailboxFailover ErrorMailboxMoveInProgress ErrorMailboxLogonFailed
        ErrorConnectionFailed ErrorFreeBusyGenerationFailed;
    // The mailbox is there and something about it is wrong: it has no calendar, its calendar is none, its directory entry does not fit, or
    // what it holds is corrupt.
    (MailboxDefective, Mailbox, No):
        ErrorNoCalendar ErrorCalendarFolderIsInvalidForCalendarView ErrorMailboxConfiguration
        ErrorMissingExchangePrincipal ErrorDuplicateLegacyDistinguishedName ErrorInvalidSecurityDescriptor
        ErrorCorruptData ErrorFolderCorrupt ErrorItemCorrupt ErrorCalendarInvalidPropertyState
        ErrorFolderPropertRequestFailed ErrorItemPropertyRequestFailed ErrorUnsupportedTypeForConversion
        ErrorContentConversionFailed ErrorWorkingHoursXmlMalformed;
    // This calendar holds more than the server gives out for the window, or the address is a distribution list with too many members.
    (LimitReached, Mailbox, No):
        ErrorResultSetTooBig ErrorExceededFindCountLimit ErrorDataSizeLimitExceeded ErrorFreeBusyDLLimitReached;

    // ---- Requests for a calendar: the account ----
    //
    // Before the account may do anything at all, it needs another password.
    (PasswordExpired, Account, No):
        ErrorPasswordExpired ErrorPasswordChangeRequired;
    // The account may not act for this mailbox, or for none behind this front end.
    (ImpersonationDenied, Account, No):
        ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorTokenSerializationDenied;
    // The account may not read this calendar. Exchange says "not found" of a folder, too, where the caller may not see it; the calendar folder
    // is named by its distinguished name and not by an id that could be wrong.
    (AccessDenied, Account, No):
        ErrorAccessDenied ErrorFolderNotFound ErrorItemNotFound ErrorNoFreeBusyAccess ErrorInvalidAccessLevel;
    // The account's organisation is shut off.
    (Forbidden, Account, No):
        ErrorOrganizationAccessBlocked;
    // The directory does not know the account well, although it accepted the credential.
    (Server, Account, No):
        ErrorCallerIsInvalidADAccount ErrorProxyGroupSidLimitExceeded;

    // ---- Requests for a calendar: the request ----
    //
    // The request version does not fit the server, or not the version of the server that holds the mailbox.
    (RequestRejected, Configuration, No):
        ErrorInvalidSchemaVersionForMailboxVersion ErrorInvalidServerVersion ErrorIncorrectSchemaVersion;
    // More was asked for than the server allows at once; windows and groups of mailboxes must be split.
    (LimitReached, Library, No):
        ErrorCalendarViewRangeTooBig ErrorTimeIntervalTooBig ErrorMailboxDataArrayTooBig
        ErrorIndividualMailboxLimitReached ErrorRequestStreamTooBig;
    // The request as a whole: its envelope, its headers, its arguments.
    (RequestRejected, Library, No):
        ErrorInvalidRequest ErrorSchemaValidation ErrorDuplicateSOAPHeader ErrorInvalidArgument ErrorMissingArgument
        ErrorInvalidOperation ErrorInvalidExchangeImpersonationHeaderData ErrorAccessModeSpecified
        ErrorMoreThanOneAccessModeSpecified ErrorInvalidManagementRoleHeader ErrorInvalidSerializedAccessToken
        ErrorMultiLegacyMailboxAccess ErrorInvalidLogonType;
    // Windows, time zones and mailboxes of a view or of free/busy.
    (RequestRejected, Library, No):
        ErrorInvalidTimeInterval ErrorValueOutOfRange ErrorTimeZone ErrorCalendarInvalidTimeZone
        ErrorInvalidMergedFreeBusyInterval ErrorInvalidFreeBusyViewType ErrorLegacyMailboxFreeBusyViewTypeNotMerged
        ErrorMailboxDataArrayEmpty ErrorMissingEmailAddress ErrorMissingInformationEmailAddress
        ErrorInvalidRoutingType ErrorDistinguishedUserNotSupported;
    // Folders, ids, properties, paging and restrictions.
    (RequestRejected, Library, No):
        ErrorInvalidFolderId ErrorInvalidFolderTypeForOperation ErrorInvalidChangeKey ErrorInvalidId
        ErrorInvalidIdEmpty ErrorInvalidIdMalformed ErrorInvalidIdMalformedEwsLegacyIdFormat
        ErrorInvalidIdMonikerTooLong ErrorInvalidIdNotAnItemAttachmentId ErrorInvalidIdStoreObjectIdTooLong
        ErrorInvalidIdTooManyAttachmentLevels ErrorInvalidIdXml ErrorCannotUseFolderIdForItemId
        ErrorCannotUseItemIdForFolderId ErrorCalendarCannotUseIdForOccurrenceId
        ErrorCalendarCannotUseIdForRecurringMasterId ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange
        ErrorCalendarSeekToConditionNotSupported ErrorInvalidExtendedProperty ErrorInvalidPropertyRequest
        ErrorInvalidPropertyForOperation ErrorNoPropertyTagForCustomProperties ErrorUnsupportedMapiPropertyType
        ErrorUnsupportedPropertyDefinition ErrorInvalidPagingMaxRows ErrorInvalidFractionalPagingParameters
        ErrorInvalidIndexedPagingParameters ErrorContainsFilterWrongType ErrorInvalidExcludesRestriction
        ErrorInvalidExpressionTypeForSubFilter ErrorInvalidPropertyForExists ErrorInvalidRestriction
        ErrorInvalidSubfilterType ErrorInvalidSubfilterTypeNotAttendeeType ErrorInvalidSubfilterTypeNotRecipientType
        ErrorInvalidValueForProperty ErrorRestrictionTooComplex ErrorRestrictionTooLong ErrorUnsupportedPathForQuery
        ErrorUnsupportedPathForSortGroup ErrorUnsupportedSubFilter;

    // ---- Requests for a calendar: the server ----
    //
    // Throttling: the account asks more than its policy or the server's state allows.
    (Throttled, Server, BackOff):
        ErrorServerBusy ErrorExceededConnectionCount ErrorTooManyObjectsOpened;
    // Passing faults: an overloaded server, a directory that does not answer, a request that took too long.
    (Transient, Server, Transient):
        ErrorInternalServerTransientError ErrorInsufficientResources ErrorNotEnoughMemory ErrorADUnavailable
        ErrorADOperation ErrorTimeoutExpired ErrorServiceUnavailable ErrorRequestAborted;
    // The server found the connection gone before it could answer.
    (Interrupted, Network, Transient):
        ErrorClientDisconnected;
    // The server that holds the mailbox did not answer the front end, for reasons that can pass: the network between them, a time limit, a
    // restart. Mailboxes of other sites are not affected. `ErrorBatchProcessingStopped` says only that an earlier mailbox of the same request
    // failed, and nothing of this one.
    (Transient, Server, Gently):
        ErrorNoRespondingCASInDestinationSite ErrorProxyRequestProcessingFailed ErrorBatchProcessingStopped;
    // The front end finds no way to the mailbox's server, site, forest or organisation, since something is set up wrongly there. Mailboxes of
    // other sites are not affected.
    (Server, Server, No):
        ErrorAddressSpaceNotFound ErrorAutoDiscoverFailed ErrorAvailabilityConfigNotFound ErrorCrossSiteRequest
        ErrorInvalidCrossForestCredentials ErrorInvalidNetworkServiceContext ErrorInvalidProxySecurityContext
        ErrorLogonAsNetworkServiceFailed ErrorNoApplicableProxyCASServersAvailable
        ErrorNoDestinationCASDueToKerberosRequirements ErrorNoDestinationCASDueToSSLRequirements
        ErrorNoDestinationCASDueToVersionMismatch ErrorNoOAuthServerAvailableForRequest ErrorParsingXMLResponse
        ErrorProxyCallFailed ErrorProxyRequestNotAllowed ErrorProxyServiceDiscoveryFailed ErrorProxySoapException
        ErrorProxyTokenExpired ErrorServiceDiscoveryFailed ErrorTargetDomainNotSupported ErrorWrongServerVersion
        ErrorWrongServerVersionDelegate ErrorInvalidInternetWebProxyOnLocalServer;
    // Free/busy of another organisation, or of a mailbox so old that its free/busy lies in public folders.
    (Server, Server, No):
        ErrorInvalidFederatedOrganizationId ErrorInvalidFederationOrganizationIdentifier
        ErrorInvalidOrganizationRelationshipForFreeBusy ErrorOrganizationNotFederated
        ErrorUserWithoutFederatedProxyAddress ErrorPublicFolderRequestProcessingFailed
        ErrorPublicFolderServerNotFound;
    // The server failed inside and does not say that it passes. Impersonation fails in this way, too, where the server's own account is set up
    // wrongly or cannot ask the directory; the service account's rights are not in doubt then.
    (Server, Server, No):
        ErrorInternalServerError ErrorDataSourceOperation ErrorGetServerSecurityDescriptorFailed
        ErrorImpersonationFailed ErrorInvalidAuthorizationContext ErrorInvalidClientSecurityContext
        ErrorLocalServerObjectNotFound ErrorPropertyValidationFailure ErrorResponseSchemaValidation
        ErrorWebRequestInInvalidState ErrorWin32InteropError;
    // No failure. Where an answer that failed gives it as its code, the answer contradicts itself.
    (Malformed, Server, No):
        NoError;

    // ---- Notifications ----
    //
    // The account has as many subscriptions as its policy allows. That does not slow down requests for calendars.
    (Throttled, Account, No):
        ErrorExceededSubscriptionCount;
    // The subscription has ended or was never known: the same request never succeeds. Whoever listens subscribes anew and reads again.
    (Server, Server, No):
        ErrorEventNotFound ErrorExpiredSubscription ErrorInvalidSubscription ErrorMissedNotificationEvents
        ErrorNewEventStreamConnectionOpened ErrorProxiedSubscriptionCallFailure ErrorReadEventsFailed
        ErrorSubscriptionNotFound ErrorSubscriptionUnsubscribed ErrorSubscriptionsDisabledForGroup;
    // The account may not listen to this mailbox, as its owner could.
    (AccessDenied, Account, No):
        ErrorSubscriptionDelegateAccessNotSupported;
    // The subscription belongs to another account.
    (Server, Account, No):
        ErrorSubscriptionAccessDenied;
    // The request for a subscription or for its events, or a synchronisation state.
    (RequestRejected, Library, No):
        ErrorInvalidPullSubscriptionId ErrorInvalidPushSubscriptionUrl ErrorInvalidSubscriptionRequest
        ErrorInvalidSyncStateData ErrorInvalidWatermark;

    // ---- Other operations: the request ----
    //
    // Items, folders and properties that would be written.
    (RequestRejected, Library, No):
        ErrorCalendarDurationIsTooLong ErrorCalendarEndDateIsEarlierThanStartDate ErrorCalendarInvalidAttributeValue
        ErrorCalendarInvalidDayForTimeChangePattern ErrorCalendarInvalidDayForWeeklyRecurrence
        ErrorCalendarInvalidPropertyValue ErrorCalendarInvalidRecurrence ErrorCalendarOutOfRange
        ErrorRecurrenceEndDateTooBig ErrorRecurrenceHasNoOccurrence ErrorOccurrenceCrossingBoundary
        ErrorOccurrenceTimeSpanTooBig ErrorUnsupportedRecurrence ErrorAffectedTaskOccurrencesRequired
        ErrorCannotDeleteTaskOccurrence ErrorInvalidCompleteDate ErrorInvalidPercentCompleteValue
        ErrorChangeKeyRequired ErrorChangeKeyRequiredForWriteOperations ErrorIncorrectUpdatePropertyCount
        ErrorUpdatePropertyMismatch ErrorInvalidExtendedPropertyValue ErrorInvalidPropertyAppend
        ErrorInvalidPropertyDelete ErrorInvalidPropertySet ErrorInvalidPropertyUpdateSentMessage ErrorPropertyUpdate
        ErrorItemSavePropertyError ErrorFolderSavePropertyError ErrorRequiredPropertyMissing ErrorUnsupportedCulture
        ErrorInvalidInternetHeaderChildNodes ErrorInvalidContactEmailAddress ErrorInvalidContactEmailIndex
        ErrorCannotCreateCalendarItemInNonCalendarFolder ErrorCannotCreateContactInNonContactFolder
        ErrorCannotCreatePostItemInNonMailFolder ErrorCannotCreateTaskInNonTaskFolder ErrorCrossMailboxMoveCopy
        ErrorMoveDistinguishedFolder ErrorDeleteDistinguishedFolder ErrorInvalidParentFolder
        ErrorParentFolderIdRequired ErrorNoFolderClassOverride ErrorObjectTypeChanged
        ErrorOperationNotAllowedWithPublicFolderRoot ErrorInvalidManagedFolderProperty
        ErrorMissingEmailAddressForManagedFolder ErrorDuplicateInputFolderNames;
    // Messages, attachments and answers to meetings that would be sent.
    (RequestRejected, Library, No):
        ErrorMessageDispositionRequired ErrorMessageSizeExceeded ErrorMissingRecipients ErrorInvalidRecipients
        ErrorInvalidReferenceItem ErrorMissingInformationReferenceItemId ErrorInvalidSendItemSaveSettings
        ErrorSendMeetingCancellationsRequired ErrorSendMeetingInvitationsOrCancellationsRequired
        ErrorSendMeetingInvitationsRequired ErrorMimeContentInvalid ErrorMimeContentInvalidBase64String
        ErrorUnsupportedMimeConversion ErrorAttachmentNestLevelLimitExceeded ErrorAttachmentSizeLimitExceeded
        ErrorInvalidAttachmentId ErrorMissingItemForCreateItemAttachment
        ErrorInvalidItemForOperationCreateItemAttachment ErrorInvalidItemForOperationCreateItem
        ErrorInvalidItemForOperationAcceptItem ErrorInvalidItemForOperationArchiveItem
        ErrorInvalidItemForOperationCancelItem ErrorInvalidItemForOperationDeclineItem
        ErrorInvalidItemForOperationExpandDL ErrorInvalidItemForOperationRemoveItem
        ErrorInvalidItemForOperationSendItem ErrorInvalidItemForOperationTentative ErrorInvalidLikeRequest
        ErrorInvalidReportMessageActionType;
    // Delegates, permissions, absence, names, and sharing.
    (RequestRejected, Library, No):
        ErrorCannotSetCalendarPermissionOnNonCalendarFolder ErrorCannotSetNonCalendarPermissionOnCalendarFolder
        ErrorCannotSetPermissionUnknownEntries ErrorDuplicateUserIdsSpecified ErrorInvalidDelegatePermission
        ErrorInvalidDelegateUserId ErrorInvalidPermissionSettings ErrorInvalidUserInfo ErrorMissingUserIdInformation
        ErrorDelegateAlreadyExists ErrorDelegateCannotAddOwner ErrorDelegateValidationFailed ErrorInvalidOofParameter
        ErrorInvalidScheduledOofDuration ErrorInvalidUserOofSettings ErrorADSessionFilter
        ErrorInvalidNameForNameResolution ErrorNameResolutionMultipleResults ErrorResolveNamesInvalidFolderType
        ErrorResolveNamesOnlyOneContactsFolderAllowed ErrorInvalidGetSharingFolderRequest
        ErrorMissingInformationSharingFolderId ErrorInvalidSharingData ErrorInvalidSharingMessage
        ErrorNotSupportedSharingMessage ErrorInvalidExternalSharingInitiator ErrorInvalidExternalSharingSubscriber;
    // Rules, retention, archives, searches, telephony, instant messages, pictures, places, add-ins and groups.
    (RequestRejected, Library, No):
        ErrorInboxRulesValidationError ErrorInvalidSweepRule ErrorInvalidSweepRuleOperationType
        ErrorInvalidBulkActionType ErrorInvalidKeepNCount ErrorInvalidKeepNType
        ErrorNoSenderRestrictionsSettingsFoundInRequest ErrorDuplicateSenderRestrictionsInputFound
        ErrorInvalidRetentionTagIdGuid ErrorInvalidRetentionTagInheritance ErrorInvalidRetentionTagInvisible
        ErrorInvalidRetentionTagTypeMismatch ErrorCannotArchiveCalendarContactTaskFolderException
        ErrorCannotArchiveItemsInArchiveMailbox ErrorCannotArchiveItemsInPublicFolders
        ErrorCannotSpecifySearchFolderAsSourceFolder ErrorEmailAddressMismatch
        ErrorMailboxScopeNotAllowedWithoutQueryString ErrorSearchQueryHasTooManyKeywords ErrorSearchTooManyMailboxes
        ErrorDuplicateExtendedKeywordDefinition ErrorInstantSearchSessionExpired ErrorInvalidPhoneCallId
        ErrorInvalidPhoneNumber ErrorPhoneNumberNotDialable ErrorInvalidSIPUri ErrorInvalidImContactId
        ErrorInvalidImDistributionGroupSmtpAddress ErrorInvalidImGroupId ErrorImGroupDisplayNameAlreadyExists
        ErrorInvalidPhotoSize ErrorInvalidLatitude ErrorInvalidLongitude ErrorLocationServicesInvalidRequest
        ErrorInvalidClientAccessTokenRequest ErrorInvalidExtensionId ErrorClientIntentInvalidStateDefinition
        ErrorUnifiedGroupAliasNamingPolicy ErrorUnifiedGroupAlreadyExists ErrorUnifiedGroupMailboxNamingPolicy;

    // ---- Other operations: this mailbox ----
    //
    // A group or team that is named by its address is not there.
    (MailboxNotFound, Mailbox, No):
        ErrorTeamMailboxNotFound ErrorUnifiedGroupMailboxNotFound;
    // Something in the mailbox is corrupt: managed folders, search folders, contacts, MIME content, attachments.
    (MailboxDefective, Mailbox, No):
        ErrorCannotOpenFileAttachment ErrorInvalidIdReturnedByResolveNames ErrorInvalidManagedFolderQuota
        ErrorInvalidManagedFolderSize ErrorMimeContentConversionFailed ErrorMissingManagedFolderId
        ErrorSearchFolderNotInitialized;
    // The mailbox holds a search folder whose filter EWS cannot express.
    (Server, Mailbox, No):
        ErrorInvalidAttachmentSubfilter ErrorInvalidAttachmentSubfilterTextFilter ErrorInvalidRecipientSubfilter
        ErrorInvalidRecipientSubfilterComparison ErrorInvalidRecipientSubfilterOrder
        ErrorInvalidRecipientSubfilterTextFilter ErrorQueryFilterTooLong ErrorUnsupportedQueryFilter;
    // The state of an item or folder does not allow what would be done with it: it is cancelled, delegated, the organiser's, already sent,
    // deleted, newer, full, infected, or there is one like it.
    (Server, Mailbox, No):
        ErrorCalendarCannotMoveOrCopyOccurrence ErrorCalendarCannotUpdateDeletedItem
        ErrorCalendarForwardActionNotAllowed ErrorCalendarIsCancelledForAccept ErrorCalendarIsCancelledForDecline
        ErrorCalendarIsCancelledForRemove ErrorCalendarIsCancelledForTentative ErrorCalendarIsDelegatedForAccept
        ErrorCalendarIsDelegatedForDecline ErrorCalendarIsDelegatedForRemove ErrorCalendarIsDelegatedForTentative
        ErrorCalendarIsGroupMailboxForAccept ErrorCalendarIsGroupMailboxForDecline
        ErrorCalendarIsGroupMailboxForSuppressReadReceipt ErrorCalendarIsGroupMailboxForTentative
        ErrorCalendarIsNotOrganizer ErrorCalendarIsOrganizerForAccept ErrorCalendarIsOrganizerForDecline
        ErrorCalendarIsOrganizerForRemove ErrorCalendarIsOrganizerForTentative ErrorCalendarMeetingRequestIsOutOfDate
        ErrorCalendarOccurrenceIsDeletedFromRecurrence ErrorSentMeetingRequestUpdate ErrorSentTaskRequestUpdate
        ErrorReadReceiptNotPending ErrorIrresolvableConflict ErrorStaleObject ErrorCannotDeleteObject
        ErrorCannotEmptyFolder ErrorFolderExists ErrorFolderSave ErrorFolderSaveFailed ErrorItemSave
        ErrorMoveCopyFailed ErrorDeleteItemsFailed ErrorParentFolderNotFound ErrorSavedItemFolderNotFound
        ErrorSyncFolderNotFound ErrorToFolderNotFound ErrorManagedFolderAlreadyExists ErrorManagedFoldersRootFailure
        ErrorQuotaExceeded ErrorMessagePerFolderCountReceiveQuotaExceeded ErrorVirusDetected ErrorVirusMessageDeleted
        ErrorApplyConversationActionFailed;
    // Something belongs to the mailbox that is missing, full or cannot be saved: delegates, rules, archive, contacts, absence, telephony.
    (Server, Mailbox, No):
        ErrorAddDelegatesFailed ErrorDelegateMissingConfiguration ErrorDelegateNoUser ErrorNotDelegate
        ErrorRemoveDelegatesFailed ErrorUpdateDelegatesFailed ErrorUnableToGetUserOofSettings
        ErrorWorkingHoursSaveFailed ErrorOutlookRuleBlobExists ErrorRulesOverQuota ErrorInvalidRetentionTagNone
        ErrorArchiveFolderPathCreation ErrorArchiveMailboxNotEnabled ErrorCannotGetSourceFolderPath
        ErrorMailboxHoldNotFound ErrorContentIndexingNotEnabled ErrorUnsupportedUserForExecuteSearch
        ErrorDistributionListMemberNotExist ErrorImContactLimitReached ErrorImGroupLimitReached
        ErrorUnableToRemoveImContactFromGroup ErrorUserNotUnifiedMessagingEnabled
        ErrorTeamMailboxActiveToPendingDelete ErrorTeamMailboxNotLinkedToSharePoint
        ErrorTeamMailboxUrlValidationFailed ErrorClientIntentNotFound;

    // ---- Other operations: the account ----
    //
    // The account's rights to write, send, share, install or manage, and limits on what it sends.
    (Server, Account, No):
        ErrorCreateItemAccessDenied ErrorCreateSubfolderAccessDenied ErrorSendAsDenied ErrorNameResolutionNoMailbox
        ErrorUnauthorizedClientAccessTokenRequest ErrorNotAllowedExternalSharingByPolicy
        ErrorPermissionNotAllowedByPolicy ErrorUserNotAllowedByPolicy ErrorSubmissionQuotaExceeded
        ErrorMessageBlocked ErrorMessageSubmissionBlocked ErrorAccountSuspend ErrorAccountSuspendShowTierUpgrade
        ErrorExceededMessageLimit ErrorExceededMessageLimitShowTierUpgrade ErrorExceededMaxRecipientLimit
        ErrorExceededMaxRecipientLimitBlock ErrorExceededMaxRecipientLimitShowTierUpgrade
        ErrorTeamMailboxNotAuthorizedOwner ErrorUnifiedGroupAadAuthorizationRequestDenied
        ErrorExtensionsNotAuthorized ErrorNoRbacPermissionToInstallMarketPlaceExtensions
        ErrorNoRbacPermissionToInstallReadWriteMailboxExtensions;

    // ---- Other operations: the server ----
    //
    // Services beside the mailbox that were busy or slow.
    (Transient, Server, Transient):
        ErrorInstantSearchTimeout ErrorLocationServicesRequestTimedOut ErrorMessageTrackingTransientError;
    // Public folders, sharing, archives, searches and message tracking.
    (Server, Server, No):
        ErrorCannotAccessDeletedPublicFolder ErrorNoPublicFolderReplicaAvailable ErrorNoPublicFolderServerAvailable
        ErrorPublicFolderMailboxDiscoveryFailed ErrorPublicFolderOperationFailed ErrorPublicFolderSyncException
        ErrorSharingNoExternalEwsAvailable ErrorSharingSynchronizationFailed ErrorArchiveMailboxSearchFailed
        ErrorArchiveMailboxServiceDiscoveryFailed ErrorExportRemoteArchiveItemsFailed
        ErrorFindRemoteArchiveFolderFailed ErrorGetRemoteArchiveFolderFailed ErrorGetRemoteArchiveItemFailed
        ErrorDiscoverySearchesDisabled ErrorInstantSearchFailed ErrorMessageTrackingNoSuchDomain
        ErrorMessageTrackingPermanentError;
    // Suggestions for meetings, mail tips, managed folders, sender restrictions and the address of the web pages.
    (Server, Server, No):
        ErrorMeetingSuggestionGenerationFailed ErrorMailTipsDisabled ErrorManagedFolderNotFound
        ErrorCreateManagedFolderPartialCompletion ErrorSenderRestrictionsUpdateFailed ErrorCannotGetExternalEcpUrl;
    // Telephony, speech, places and weather.
    (Server, Server, No):
        ErrorDeleteUnifiedMessagingPromptFailed ErrorIPGatewayNotFound ErrorNoSpeechDetected
        ErrorPromptPublishingOperationFailed ErrorRecognizerNotInstalled ErrorSpeechGrammarError
        ErrorUMServerUnavailable ErrorUnifiedMessagingDialPlanNotFound ErrorUnifiedMessagingPromptNotFound
        ErrorUnifiedMessagingReportDataNotFound ErrorUnifiedMessagingRequestFailed
        ErrorUnifiedMessagingServerNotFound ErrorVoiceMailNotImplemented ErrorLocationServicesDisabled
        ErrorLocationServicesRequestFailed ErrorWeatherServiceDisabled;
    // Add-ins, team mailboxes and groups.
    (Server, Server, No):
        ErrorCannotDisableMandatoryExtension ErrorCannotDownloadExtensionManifest
        ErrorCannotUninstallProvidedExtensions ErrorExtensionAlreadyInstalledForOrg ErrorExtensionNotFound
        ErrorMarketPlaceExtensionAlreadyInstalledForOrg ErrorNewerExtensionAlreadyInstalled
        ErrorNewerMarketPlaceExtensionAlreadyInstalled ErrorTeamMailboxErrorUnknown
        ErrorTeamMailboxFailedSendingNotifications ErrorUnexpectedUnifiedGroupsCount
        ErrorUnifiedGroupCreationDisabled ErrorUnifiedGroupMailboxAADCreationFailed
        ErrorUnifiedGroupMailboxAADDeleteFailed ErrorUnifiedGroupMailboxDeleteFailed
        ErrorUnifiedGroupMailboxProvisionFailed ErrorUnifiedGroupMailboxUpdateDelayed
        ErrorUnifiedGroupMailboxUpdateFailed ErrorUnifiedGroupMailboxUpdatedPartialProperties;
};
