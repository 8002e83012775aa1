namespace NativeMm.AddressSpaces;

/// <summary>
/// Where pages go that have no frame: each gets a slot, and comes back by it. Thread-safe, except <see cref="IDisposable.Dispose"/>, which no other use
/// may overlap. No call throws, but for <see cref="Validate"/>; none needs a lock of the caller, and none calls back.
/// </summary>
internal interface ISwapBackend : IDisposable
{
    /// <summary>
    /// Stores a batch of pages. One that is refused does not keep the others from being stored. The pages must not change while this runs.
    /// </summary>
    /// <param name="pages">Addresses of pages of 4096 bytes, at most <see cref="SwapSlot.BatchMax"/>.</param>
    /// <param name="slots">
    /// Gets a slot for each page, 1 to <see cref="SwapSlot.Max"/>, with one reference; or <see cref="SwapSlot.NoRoom"/>, when it might be stored later, or
    /// <see cref="SwapSlot.Incompressible"/>, when it will not be until its content changes. At least as long as <paramref name="pages"/>.
    /// </param>
    /// <returns>Pages that were stored.</returns>
    int Store(ReadOnlySpan<nint> pages, Span<ulong> slots);

    /// <summary>Brings a page back; the slot keeps it until it is freed. Waits for nothing but this page.</summary>
    /// <param name="slot">A slot with a reference that the caller holds until this returns.</param>
    /// <param name="destination">4096 bytes, aligned to 4096. Undefined unless the page was loaded.</param>
    SwapLoad Load(ulong slot, nint destination);

    /// <summary>Gives one reference to a slot up; the last one frees it. Never fails, and allocates no managed memory.</summary>
    /// <param name="slot">A slot with a reference that is the caller's.</param>
    void Free(ulong slot);

    /// <summary>Adds a reference to a slot: a fork has the page, too. Never fails: references are counted in 32 bits.</summary>
    /// <param name="slot">A slot with a reference that the caller holds until this returns.</param>
    void Duplicate(ulong slot);

    /// <summary>Counts; exact at rest.</summary>
    SwapStatistics GetStatistics();

    /// <summary>Checks the whole structure. Call it at rest.</summary>
    /// <exception cref="Diagnostics.InvariantViolationException">Something does not add up.</exception>
    void Validate();
}
