namespace NativeMm.Lab.Experiments.Faults;

/// <summary>One way to read eight bytes. A struct, so that the loop around it is compiled for it alone and calls nothing that it need not.</summary>
internal interface IAccessPath
{
    /// <summary>Reads.</summary>
    /// <param name="offset">Offset into the memory.</param>
    long Read(long offset);
}
