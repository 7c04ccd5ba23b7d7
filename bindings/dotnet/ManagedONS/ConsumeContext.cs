namespace ons
{
    /// <summary>Reserved; carries nothing.</summary>
    public class ConsumeContext
    {
    }
}
