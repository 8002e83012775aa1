using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>A native library that may be missing, and its functions by name. What is loaded stays loaded as long as the process.</summary>
internal sealed class NativeFunctions
{
    private readonly nint _library;

    private NativeFunctions(nint library)
    {
        _library = library;
    }

    /// <summary>Loads the first library of these names that the system finds.</summary>
    /// <returns>Null when it finds none.</returns>
    public static NativeFunctions? Load(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return new NativeFunctions(library);
            }
        }

        return null;
    }

    /// <summary>Finds a function.</summary>
    /// <param name="name">Its exported name.</param>
    /// <param name="address">Its address.</param>
    /// <returns>Whether the library has it.</returns>
    public bool TryFind(string name, out nint address) => NativeLibrary.TryGetExport(_library, name, out address);
}
