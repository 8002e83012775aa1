namespace NativeMm.Eviction;

/// <summary>
/// Decides which of a fixed set of numbers goes when there are too many: frames of an address space, entries of a cache. Implementations are structs that
/// are used as a type parameter, with one word of native memory an item, and are not copied after <see cref="Attach"/>.
/// </summary>
/// <remarks>
/// <para>Hits are not reported. The policy asks about them when it looks for victims (<see cref="IAccessProbe"/>), which fits both a page table, whose
/// accessed bit is cleared then, and a cache, whose hits set a bit of the entry.</para>
/// <para>What left is not remembered here. An item goes with a few bits of <em>history</em>, which the owner keeps where it keeps what is left of the item
/// (the swapped entry of a page, an <see cref="EvictionHistory"/>), and gives back when the item comes in again. So the memory of the past costs nothing here
/// and reaches as far as the owner's does.</para>
/// <para><see cref="Insert"/> and <see cref="Remove"/> may be called by any thread at any moment, as long as no two calls concern the same number: whoever
/// owns a number decides. They wait for nobody. <see cref="Select"/>, <see cref="Move"/>, <see cref="Evicted"/> and <see cref="PutBack"/> are one caller's at a time.</para>
/// </remarks>
internal unsafe interface IReplacementPolicy
{
    /// <summary>Bytes of metadata for each item.</summary>
    static abstract int ItemBytes { get; }

    /// <summary>Bits of a history, at most 12. 0: this policy has none.</summary>
    static abstract int HistoryBits { get; }

    /// <summary>Gives the policy its memory.</summary>
    /// <param name="metadata">
    /// <paramref name="items"/> × <see cref="ItemBytes"/> bytes that are zero, aligned to 8; the owner's, who frees them after the last call.
    /// </param>
    /// <param name="items">Numbers go from 0 to one below.</param>
    /// <param name="capacity">
    /// How many items stay in when a batch of victims has gone, at least 1. What the policy measures distances against, and cuts its shares from.
    /// </param>
    void Attach(byte* metadata, uint items, uint capacity);

    /// <summary>Changes how many items stay in. Does not overlap <see cref="Select"/>.</summary>
    void Resize(uint capacity);

    /// <summary>An item comes in.</summary>
    /// <param name="number">A number that is out.</param>
    /// <param name="history">What <see cref="Evicted"/> said when this item left; 0 for one that is new, or of which nothing is known.</param>
    void Insert(uint number, uint history);

    /// <summary>An item goes for a reason of its own. Nothing happens if the number is out. It may be selected: then it is out, and no victim any more.</summary>
    void Remove(uint number);

    /// <summary>An item, if one is in, has another number from now on. It is no victim. Does not overlap <see cref="Select"/>, and is its caller's.</summary>
    /// <param name="from">The item's number, which is out then.</param>
    /// <param name="to">A number that is out.</param>
    void Move(uint from, uint to);

    /// <summary>
    /// Chooses victims. They stay in, and are chosen no second time, until the caller says of each <see cref="Evicted"/> or <see cref="PutBack"/>, or its
    /// owner <see cref="Remove"/>.
    /// </summary>
    /// <param name="probe">Answers for the accesses.</param>
    /// <param name="victims">Gets their numbers.</param>
    /// <returns>How many were chosen; fewer than there is room for only when a bounded search found no more. Another call searches harder.</returns>
    int Select<TProbe>(ref TProbe probe, Span<uint> victims)
        where TProbe : struct, IAccessProbe, allows ref struct;

    /// <summary>A victim is gone. Gives its history, 1 to 2^<see cref="HistoryBits"/> − 1, or 0 when it is not worth keeping.</summary>
    uint Evicted(uint number);

    /// <summary>A victim stays: it was in use, or there was nowhere to put it.</summary>
    void PutBack(uint number);

    /// <summary>Items that are in, counted one by one. Exact at rest.</summary>
    uint Count();
}
