using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>Theory data of one text a row.</summary>
public sealed class TheoryNames : TheoryData<string>
{
    public TheoryNames(params string[] names)
    {
        foreach (string name in names)
        {
            Add(name);
        }
    }
}
