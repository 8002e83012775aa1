namespace NativeMm.Tests.Model.Vmap;

/// <summary>What a range of the model was made by.</summary>
internal enum ModelKind
{
    Alloc,
    PerCore,
    Map,
    Short,
}
