using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>All cases, in the order of the table.</summary>
internal static class CaseList
{
    /// <summary>The cases.</summary>
    public static IReadOnlyList<Case> All { get; } =
    [
        new FenceBehindCase(),
        new SpinLockCase(),
        new SleepLockCase(),
        new SeqCountCase(),
        new EpochDomainCase(),
        new WaiterLockCase(),
        new EndGateCase(),
        new StripedEndGateCase(),
        new JobStackCase(),
        new PerCoreCacheCase(),
        new MagazineCase(),
        new MagazineDrainedCase(),
        new StackPagesCase(),
        new CacheRegistryCase(),
        new DepotDiscardCase(),
        new DepotHandOverCase(),
        new FrameTakePutCase(),
        new FrameExtendCase(),
        new FrameHugeCase(),
        new FrameSplitCase(),
        new FrameOrder10Case(),
        new FrameReportCase(),
        new FrameReportWholeCase(),
        new FrameFlightCase(),
        new CachedFramesCase(),
        new CachedTransitCase(),
        new ReporterCase(),
        new ReporterDeviceCase(),
        new ReporterSharedCase(),
        new ReporterSharedWaitCase(),
        new ZsMigrateCase(),
        new ZsCompactCase(),
        new ZsFreeCase(),
        new VmapCase(),
        new VmapPurgeCase(),
        new VmapStaleCase(),
        new HazardCase(),
        new LeafEntryCase(),
        new TableUnlinkCase(),
        new BlockSplitCase(),
        new FaultPermitsCase(),
        new ReaderWriterSleepLockCase(),
        new AreaDetachCase(),
        new AreaReuseCase(),
        new AreaForkCase(),
        new AreaForkCountCase(),
        new TeardownJobCase(),
        new TableReleaseCase(),
        new LeafMapCase(),
        new CacheLookupCase(),
        new CacheLeaseCase(),
        new CacheRenewalCase(),
        new CacheIndexCase(),
        new CacheMendCase(),
        new CacheBudgetCase(),
        new EvictionHistoryCase(),
        new EvictionHistoryLineCase(),
        new BlockedCallsCase(),
        new RentTicketCase(),
    ];

    /// <summary>The case of a name.</summary>
    public static Case Find(string name) =>
        All.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no case {name}; there are: {string.Join(", ", All.Select(one => one.Name))}.");
}
