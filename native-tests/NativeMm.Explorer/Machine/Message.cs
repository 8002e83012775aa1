namespace NativeMm.Explorer.Machine;

/// <summary>One store to a word.</summary>
internal unsafe struct Message
{
    public ulong Value;

    /// <summary>What it tells whoever acquires it, or null: nothing.</summary>
    public short* View;

    /// <summary>The message of the store before it; its own number for the first.</summary>
    public int Previous;

    /// <summary>Its place among the stores to the word.</summary>
    public short Stamp;
}
