namespace NativeMm.Explorer.Machine;

/// <summary>A word that an execution uses atomically.</summary>
internal unsafe struct Word
{
    public nuint Address;

    /// <summary>Bytes; 0 for a reference.</summary>
    public int Size;

    public int Number;

    /// <summary>Strands that touched it, a bit each, and those that wrote it.</summary>
    public byte Users;
    public byte Writers;

    /// <summary>The message that each strand read last, plus one.</summary>
    public fixed int LastRead[Views.Clocks];

    /// <summary>The message of its newest store.</summary>
    public int Newest;
}
