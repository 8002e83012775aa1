namespace NativeMm.Explorer.Machine;

/// <summary>A word that an execution uses atomically.</summary>
internal struct Word
{
    public nuint Address;

    /// <summary>Bytes; 0 for a reference.</summary>
    public int Size;

    public int Number;

    /// <summary>The message of its newest store.</summary>
    public int Newest;
}
